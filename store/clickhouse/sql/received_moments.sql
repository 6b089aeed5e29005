-- When items of a table were received, and how many at each moment: the first moments of a period.
SELECT received_ns, count() AS items
FROM {table}
WHERE received_day >= {since_day:Date} AND received_day <= {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns <= {until_ns:UInt64}
GROUP BY received_ns
ORDER BY received_ns
LIMIT {most:UInt32}
