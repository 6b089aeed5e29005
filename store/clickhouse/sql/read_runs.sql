-- Whole rows of the runs of a page; naming their partitions leaves all others unread.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND run_id IN {run_ids:Array(String)}
