-- Sums over runs per workflow, environment and part of a range; how many are beyond a bound, and the first of those.
-- A run is received after it began: partitions of days before the range (two more for clocks that run ahead) are not read.
SELECT
  {bucket_since:UInt64} + intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}) * {bucket_width:UInt64} AS start_ns,
  workflow,
  environment,
  countIf(live) AS runs_sum,
  countIf(NOT live) AS shadow_sum,
  countIf(job AND outcome = 'success') AS success_sum,
  countIf(job AND outcome = 'failure') AS failure_sum,
  countIf(job AND outcome = 'handed_off') AS handed_off_sum,
  countIf(live AND status = 'error') AS error_runs_sum,
  countIf(live AND denials > 0) AS denied_runs_sum,
  sumIf(denials, live) AS denials_sum,
  countIf(job) AS jobs_sum,
  countIf(live AND interventions > 0) AS intervened_sum,
  sumIf(arraySum(mapValues(tool_outcomes)), live) AS tool_results_sum,
  sumIf(tool_outcomes['error'], live) AS tool_errors_sum,
  sumIf(tool_outcomes['timeout'], live) AS tool_timeouts_sum,
  sumIf(tool_outcomes['invalid_arguments'], live) AS tool_invalid_sum,
  sumIf(tool_outcomes['denied'], live) AS tool_denied_sum,
  sumIf(tool_outcomes['retried_then_ok'], live) AS tool_retried_sum,
  toInt64(ifNull(sumIf(cost_usd, job AND outcome = 'failure'), 0) * 1000000000) AS failed_nano_usd_sum,
  sumIf(tool_calls, live) AS tool_calls_sum,
  sumIf(model_calls, live) AS model_calls_sum,
  ifNull(sumIf(input_tokens, live), 0) AS input_tokens_sum,
  ifNull(sumIf(output_tokens, live), 0) AS output_tokens_sum,
  sumIf(unpriced_calls, live) AS unpriced_calls_sum,
  toInt64(ifNull(sumIf(cost_usd, live), 0) * 1000000000) AS cost_nano_usd_sum,
  countIf(live AND status != 'running') AS ended_sum,
  sumIf(duration_ns, live AND status != 'running') AS duration_ns_sum,
  maxIf(duration_ns, live AND status != 'running') AS slowest_ns_max,
  countIf(live AND beyond) AS matching_sum,
  {examples} AS examples
FROM
(
  SELECT *, mode != 'shadow' AS live, mode != 'shadow' AND is_last_part AS job, ({bounds}) AS beyond
  FROM runs FINAL
  {join}
  WHERE partition_day >= {oldest_day:Date} AND {where}
)
GROUP BY start_ns, workflow, environment
ORDER BY {order}
