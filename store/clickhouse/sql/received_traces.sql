-- Traces of which spans were received at some moments.
SELECT DISTINCT project, trace_id
FROM spans
WHERE received_day >= {since_day:Date} AND received_day <= {until_day:Date}
  AND received_ns IN {moments:Array(UInt64)}
ORDER BY project, trace_id
