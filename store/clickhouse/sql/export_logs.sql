-- Log records of some traces, each once.
SELECT {columns}
FROM logs
WHERE project = {project:String} AND trace_id >= {first:String} AND trace_id < {end:String}
  AND time_ns >= {since_ns:UInt64} AND time_ns < {until_ns:UInt64}
ORDER BY trace_id, log_id, received_ns
LIMIT 1 BY trace_id, log_id
