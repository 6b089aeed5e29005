-- Sums over runs per workflow, environment and part of a range; how many are beyond a bound, and the first of those.
-- A run is received after it began: partitions of days before the range (two more for clocks that run ahead) are not read.
SELECT
  {bucket_since:UInt64} + intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}) * {bucket_width:UInt64} AS start_ns,
  workflow,
  environment,
  countIf(live) AS runs_sum,
  countIf(NOT live) AS shadow_sum,
  countIf(live AND outcome = 'success') AS success_sum,
  countIf(live AND outcome = 'failure') AS failure_sum,
  countIf(live AND outcome = 'handed_off') AS handed_off_sum,
  countIf(live AND status = 'error') AS error_runs_sum,
  countIf(live AND denials > 0) AS denied_runs_sum,
  sumIf(denials, live) AS denials_sum,
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
  arrayMap(x -> x.2, arraySlice(arraySort(groupArrayIf(1000)((started_ns, run_id), live AND beyond)), 1, 5)) AS examples
FROM
(
  SELECT *, mode != 'shadow' AS live, ({bounds}) AS beyond
  FROM runs FINAL
  {join}
  WHERE partition_day >= {oldest_day:Date} AND {where}
)
GROUP BY start_ns, workflow, environment
ORDER BY start_ns, workflow, environment
