-- Sums over the runs of each value of one field.
SELECT
  value,
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow' AND is_last_part) AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  countIf(mode = 'shadow' OR NOT is_last_part) AS beside_sum,
  ifNull(sumIf(cost_usd, mode = 'shadow'), 0) AS shadow_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum,
  max(started_ns) AS newest_ns
FROM runs FINAL
ARRAY JOIN {field} AS value
WHERE {where} AND value != ''
GROUP BY value
ORDER BY {order}
LIMIT {group_limit:UInt32}
