-- Attempts of the range, newest first.
SELECT
  run_id,
  environment,
  workflow,
  workflow_version,
  outcome,
  cost_usd,
  attempt,
  JSONExtractUInt(attempt, 'at_ns') AS at_ns
FROM runs FINAL
ARRAY JOIN attempts AS attempt
WHERE project = {project:String} AND partition_day >= {since_day:Date}
  AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
  AND notEmpty(attempts)
  AND {wanted}
ORDER BY at_ns DESC, run_id, JSONExtractString(attempt, 'span_id')
LIMIT {most:UInt32}
