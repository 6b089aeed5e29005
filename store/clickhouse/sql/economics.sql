-- The moments behind rates and cost per success, by one field of the runs that match. Shadow runs never count; a job in
-- several runs is judged on its last part.
-- A run is received no earlier than it starts (a day is left for clocks that run ahead), so older partitions are not read.
SELECT
  value,
  environment,
  count() AS runs,
  countIf(is_last_part) AS jobs,
  countIf(outcome = 'success' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND is_last_part) AS failures,
  countIf(outcome = 'handed_off' AND is_last_part) AS handed_offs,
  countIf(status = 'error') AS error_runs,
  countIf(interventions > 0) AS intervened_runs,
  sum(interventions) AS interventions_sum,
  sum(cost_usd) AS cost_usd_sum,
  ifNull(sumIf(cost_usd, outcome = 'failure' AND is_last_part), 0) AS failed_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  sum(ifNull(toFloat64(cost_usd), 0) * ifNull(toFloat64(cost_usd), 0)) AS cost_squares,
  ifNull(sumIf(toFloat64(cost_usd), outcome = 'success' AND is_last_part), 0) AS cost_of_success,
  sumMap(tool_outcomes) AS outcomes,
  toInt64(ifNotFinite(quantileTDigestIf(0.95)(duration_ns, status != 'running'), 0)) AS p95_duration_ns,
  max(started_ns) AS newest_ns
FROM runs FINAL
ARRAY JOIN {field} AS value
WHERE partition_day >= {since_day:Date} AND {where} AND mode != 'shadow'
GROUP BY value, environment
ORDER BY ifNull(cost_usd_sum, 0) DESC, runs DESC, value, environment
LIMIT 1000
