-- Some steps of the winning version of a run, by their place in the stored order.
SELECT {columns}
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND ordinal IN {ordinals:Array(UInt32)} AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal
