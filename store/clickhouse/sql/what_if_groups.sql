-- What a candidate policy changes for each stored tool call, by change, tool, rule and shape of the arguments. Held equal to `spans.whatif`.
-- Calls that stay as they are only counted: they are most, and nobody opens them from here. Each row also says what holds
-- for all of them: kinds, calls by change, and the runs that would have been cut; so calls are joined with runs once.
SELECT
  change, tool, rule, shape, calls, runs, successful_runs, arguments, examples,
  count() OVER () AS kinds,
  [sumIf(calls, change = 0) OVER (), sumIf(calls, change = 1) OVER (), sumIf(calls, change = 2) OVER (),
   sumIf(calls, change = 3) OVER (), sumIf(calls, change = 4) OVER ()] AS calls_by_change,
  uniqExactMerge(cut) OVER () AS cut_runs,
  length(groupUniqArrayMerge(cut_well) OVER ()) AS cut_successful,
  arraySum(paid -> paid.2, groupUniqArrayMerge(cut_well) OVER ()) AS cut_value
FROM
(
  SELECT
    change,
    tool,
    rule,
    if(changed, arguments_shape, '') AS shape,
    count() AS calls,
    uniqExactIf(run, changed) AS runs,
    uniqExactIf(run, changed AND outcome = 'success') AS successful_runs,
    uniqExactIf(tool_arguments_hash, changed) AS arguments,
    groupArraySortedIf(5)((-toInt64(started_ns), run_id, ordinal, span_id), changed) AS examples,
    uniqExactStateIf(run, change = 0) AS cut,
    groupUniqArrayStateIf((run, ifNull(run_cost_usd, toDecimal128(0, 12))), change = 0 AND outcome = 'success') AS cut_well
  FROM (SELECT *, change != 4 AS changed FROM ({calls}))
  GROUP BY change, tool, rule, shape
)
ORDER BY change, calls DESC, tool, rule, shape
LIMIT {most:UInt32}
