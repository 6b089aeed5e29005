-- The runs of some hours in one partition, summed. FINAL sees one version of each run; nothing is added up at insert.
SELECT
  project,
  environment,
  workflow,
  intDiv(started_ns, 3600000000000) * 3600000000000 AS hour_ns,
  workflow_version,
  mode,
  shape,
  outcome,
  status,
  count() AS sum_runs,
  countIf(cost_usd IS NOT NULL) AS sum_priced_runs,
  countIf(status != 'running') AS sum_ended_runs,
  countIf(waiting_for != '') AS sum_waiting_runs,
  countIf(denials > 0) AS sum_denied_runs,
  countIf(is_last_part) AS sum_jobs,
  ifNull(sumIf(cost_usd, is_last_part), 0) AS sum_jobs_usd,
  countIf(interventions > 0) AS sum_intervened_runs,
  sumMap(CAST(tool_outcomes, 'Map(String, UInt64)')) AS sum_tool_outcomes,
  ifNull(sum(cost_usd), 0) AS sum_cost_usd,
  ifNull(max(cost_usd), 0) AS sum_costliest_usd,
  sum(unpriced_calls) AS sum_unpriced_calls,
  ifNull(sum(input_tokens), 0) AS sum_input_tokens,
  ifNull(sum(output_tokens), 0) AS sum_output_tokens,
  ifNull(sum(cache_read_tokens), 0) AS sum_cache_read_tokens,
  ifNull(sum(cache_write_tokens), 0) AS sum_cache_write_tokens,
  ifNull(sum(reasoning_tokens), 0) AS sum_reasoning_tokens,
  sum(span_count) AS sum_spans,
  sum(model_calls) AS sum_model_calls,
  sum(tool_calls) AS sum_tool_calls,
  sum(retrievals) AS sum_retrievals,
  sum(denials) AS sum_denials,
  sum(interventions) AS sum_interventions,
  sum(errors) AS sum_errors,
  sum(redactions) AS sum_redactions,
  sumIf(took, status != 'running') AS sum_duration_ns,
  sumMapIf(map({bucket}, toUInt64(1)), status != 'running') AS sum_durations
FROM
(
  SELECT *, toUInt64(least(greatest(duration_ns, 0), 2592000000000000)) AS took
  FROM runs FINAL
  WHERE partition_day = {day:Date}
    AND started_ns >= {first_ns:UInt64} AND started_ns < {end_ns:UInt64}
    AND ({every:Bool} OR (project, environment, workflow, intDiv(started_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})
)
GROUP BY project, environment, workflow, hour_ns, workflow_version, mode, shape, outcome, status
