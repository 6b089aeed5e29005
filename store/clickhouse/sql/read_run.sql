-- The run of an id.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
