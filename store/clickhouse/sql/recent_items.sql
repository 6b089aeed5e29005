-- The newest items of a table, to tell a repeat from a new item after a restart.
SELECT project, trace_id, {item} AS item, segment, slot
FROM {table}
WHERE received_day >= {since_day:Date}
  AND received_ns >= {since_ns:UInt64}
ORDER BY received_ns DESC
LIMIT {item_limit:UInt32}
