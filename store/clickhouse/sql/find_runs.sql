-- One page of runs. The ids are found over the few columns that filter and sort; whole rows are read for the page only.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND run_id IN
(
  SELECT run_id
  FROM runs FINAL
  WHERE {where}
  ORDER BY started_ns DESC, run_id DESC
  LIMIT {limit:UInt32}
)
ORDER BY started_ns DESC, run_id DESC
