-- The calls of the runs of some hours in one partition, summed: steps of the winning version of each run.
SELECT
  project,
  environment,
  workflow,
  hour_ns,
  workflow_version,
  mode,
  kind,
  if(kind = 'tool', '', provider) AS call_provider,
  if(kind = 'tool', tool_name, if(response_model != '', response_model, request_model)) AS call_name,
  if(kind = 'tool', tool_outcome, status) AS call_outcome,
  countIf(counted) AS sum_calls,
  countIf(own AND cost_usd IS NOT NULL) AS sum_priced_calls,
  ifNull(sumIf(cost_usd, own), 0) AS sum_cost_usd,
  countIf(own AND unpriced) AS sum_unpriced_calls,
  ifNull(sumIf(input_tokens, own), 0) AS sum_input_tokens,
  ifNull(sumIf(output_tokens, own), 0) AS sum_output_tokens,
  ifNull(sumIf(cache_read_tokens, own), 0) AS sum_cache_read_tokens,
  ifNull(sumIf(cache_write_tokens, own), 0) AS sum_cache_write_tokens,
  ifNull(sumIf(reasoning_tokens, own), 0) AS sum_reasoning_tokens,
  sumIf(took, counted) AS sum_duration_ns,
  sumMapIf(map({bucket}, toUInt64(1)), counted) AS sum_durations
FROM
(
  SELECT *, usage_role = 'own' AS own, toUInt64(least(greatest(duration_ns, 0), 2592000000000000)) AS took
  FROM steps FINAL
  WHERE partition_day = {day:Date}
    AND kind IN {kinds:Array(String)}
    AND (counted OR usage_role = 'own')
) AS step
INNER JOIN
(
  SELECT
    project,
    run_id,
    version,
    environment,
    workflow,
    workflow_version,
    mode,
    intDiv(started_ns, 3600000000000) * 3600000000000 AS hour_ns
  FROM runs FINAL
  WHERE partition_day = {day:Date}
    AND started_ns >= {first_ns:UInt64} AND started_ns < {end_ns:UInt64}
    AND ({every:Bool} OR (project, environment, workflow, intDiv(started_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})
) AS run
USING (project, run_id, version)
GROUP BY
  project, environment, workflow, hour_ns, workflow_version, mode, kind, call_provider, call_name, call_outcome
