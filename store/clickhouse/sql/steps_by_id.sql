-- Steps of some runs, every stored version that was not yet merged away.
SELECT version, {columns}
FROM steps FINAL
WHERE project = {project:String} AND run_id IN {run_ids:Array(String)}
ORDER BY run_id, ordinal
