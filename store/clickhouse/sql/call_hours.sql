-- Roll-ups of calls, summed further by some of their keys.
SELECT
  {keys}
  sum(calls) AS sum_calls,
  sum(priced_calls) AS priced,
  sum(cost_usd) AS sum_cost_usd,
  sum(unpriced_calls) AS sum_unpriced_calls,
  sum(input_tokens) AS sum_input_tokens,
  sum(output_tokens) AS sum_output_tokens,
  sum(cache_read_tokens) AS sum_cache_read_tokens,
  sum(cache_write_tokens) AS sum_cache_write_tokens,
  sum(reasoning_tokens) AS sum_reasoning_tokens,
  sum(duration_ns) AS sum_duration_ns,
  sumMap(durations) AS sum_durations
FROM hourly_calls FINAL
WHERE {where}
{group}
HAVING sum(calls) + priced + sum(unpriced_calls) + sum(input_tokens) + sum(output_tokens) > 0
{order}
