-- One step of the winning version of a run, by its span.
SELECT {columns}
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND span_id = {span_id:String} AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal
LIMIT 1
