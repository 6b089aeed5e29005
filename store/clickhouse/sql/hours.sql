-- Roll-ups of runs, summed further by some of their keys. Shadow runs never count as success, failure or handed off.
SELECT
  {keys}
  sum(runs) AS sum_runs,
  sumIf(jobs, outcome = 'success' AND mode != 'shadow') AS sum_success,
  sumIf(jobs, outcome = 'failure' AND mode != 'shadow') AS sum_failure,
  sumIf(jobs, outcome = 'handed_off' AND mode != 'shadow') AS sum_handed_off,
  sumIf(runs, mode = 'shadow') AS sum_shadow,
  sumIf(runs, status = 'error') AS sum_error_runs,
  sum(priced_runs) AS priced,
  sum(ended_runs) AS sum_ended_runs,
  sum(waiting_runs) AS sum_waiting_runs,
  sum(denied_runs) AS sum_denied_runs,
  sumIf(jobs, mode != 'shadow') AS sum_jobs,
  sum(intervened_runs) AS sum_intervened_runs,
  sumIf(jobs_usd, outcome = 'failure' AND mode != 'shadow') AS sum_failed_usd,
  sumMap(tool_outcomes) AS sum_tool_outcomes,
  sum(cost_usd) AS sum_cost_usd,
  max(costliest_usd) AS sum_costliest_usd,
  sum(unpriced_calls) AS sum_unpriced_calls,
  sum(input_tokens) AS sum_input_tokens,
  sum(output_tokens) AS sum_output_tokens,
  sum(cache_read_tokens) AS sum_cache_read_tokens,
  sum(cache_write_tokens) AS sum_cache_write_tokens,
  sum(reasoning_tokens) AS sum_reasoning_tokens,
  sum(spans) AS sum_spans,
  sum(model_calls) AS sum_model_calls,
  sum(tool_calls) AS sum_tool_calls,
  sum(retrievals) AS sum_retrievals,
  sum(denials) AS sum_denials,
  sum(interventions) AS sum_interventions,
  sum(errors) AS sum_errors,
  sum(redactions) AS sum_redactions,
  sum(duration_ns) AS sum_duration_ns,
  sumMap(durations) AS sum_durations
FROM hourly_runs FINAL
WHERE {where}
{group}
HAVING sum(runs) > 0
{order}
