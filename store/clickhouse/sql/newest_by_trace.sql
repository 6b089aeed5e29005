-- When the newest evidence of each trace arrived, for those that received some since a time (see recent_traces).
SELECT project, trace_id, max(received_ns) AS newest_ns
FROM facts
WHERE received_day >= {since_day:Date}
  AND received_ns >= {since_ns:UInt64}
GROUP BY project, trace_id
ORDER BY project, trace_id
