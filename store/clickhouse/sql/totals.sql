-- Sums over runs. Shadow runs never count as success or failure; a job in several runs is judged on its last part.
SELECT
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
  ifNull(sum(output_tokens), 0) AS output_tokens_sum
FROM runs FINAL
WHERE {where}
