-- What a candidate policy changes for each stored tool call, by change, tool, rule and shape of the arguments. Held equal to `spans.whatif`.
-- Calls that stay as they are only counted: they are most, and nobody opens them from here.
SELECT
  change,
  tool,
  rule,
  if(changed, arguments_shape, '') AS shape,
  count() AS calls,
  uniqExactIf(run, changed) AS runs,
  uniqExactIf(run, changed AND outcome = 'success') AS successful_runs,
  uniqExactIf(tool_arguments_hash, changed) AS arguments,
  groupArraySortedIf(5)((-toInt64(started_ns), run_id, ordinal, span_id), changed) AS examples
FROM (SELECT *, change != 4 AS changed FROM ({calls}))
GROUP BY change, tool, rule, shape
