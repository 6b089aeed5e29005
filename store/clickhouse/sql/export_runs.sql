-- Runs of a project, each once, as they stand.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND run_id >= {first:String} AND run_id < {end:String}
  AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
ORDER BY run_id
