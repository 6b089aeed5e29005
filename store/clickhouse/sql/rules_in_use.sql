-- Items per version of the redaction rules and way through redaction.
SELECT toString(fingerprint) AS fingerprint, toString(redaction) AS redaction, count() AS items, min(received_ns) AS first_ns, max(received_ns) AS last_ns
FROM {table}
WHERE project = {project:String} AND received_day BETWEEN {since_day:Date} AND {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns < {until_ns:UInt64}
GROUP BY fingerprint, redaction
