-- The run of an id; naming its partition leaves all others unread.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String})
