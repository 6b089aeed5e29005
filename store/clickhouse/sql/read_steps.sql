-- Steps of the winning version of a run; steps of other versions may still stand beside them.
SELECT
  {columns},
  (SELECT max(content_expired_ns) FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AS expired_ns
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal
