-- Runs that repeat a call five times or more in a row.
SELECT workflow, environment, run_id, started_ns, tool_sequence
FROM runs FINAL
WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
  AND has(measure_flags, 'loop') AND mode != 'shadow'
ORDER BY started_ns, run_id
LIMIT {limit:UInt32}
