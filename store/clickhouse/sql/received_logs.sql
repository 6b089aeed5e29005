-- Log records that were received at some moments, each once.
SELECT {columns}
FROM logs
WHERE received_day >= {since_day:Date} AND received_day <= {until_day:Date}
  AND received_ns IN {moments:Array(UInt64)}
ORDER BY received_ns, segment, slot, position
LIMIT 1 BY project, trace_id, span_id, log_id
