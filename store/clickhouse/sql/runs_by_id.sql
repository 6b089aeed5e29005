-- Whole rows of some runs.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND run_id IN {run_ids:Array(String)}
