-- Whole rows of the runs of a page; naming their partitions leaves all others unread, and PREWHERE the rows between.
SELECT {columns}
FROM runs FINAL
PREWHERE project = {project:String} AND run_id IN {run_ids:Array(String)}
WHERE partition_day IN {days:Array(Date)}
