-- What a candidate policy changes for each stored tool call, by change, tool, rule and shape of the arguments. Held equal to `spans.whatif`.
-- Calls that stay as they are only counted: they are most, and nobody opens them from here. Each row also says what holds
-- for all of them: kinds, calls by change, and the runs that would have been cut; so calls are joined with runs once.
-- Examples are numbers, whose order is that of the ids: sorting texts of millions of calls costs more than all the rest.
SELECT
  change, tool, rule, shape, calls, arguments, examples,
  finalizeAggregation(of_runs) AS runs,
  finalizeAggregation(of_successful) AS successful_runs,
  count() OVER () AS kinds,
  [sumIf(calls, change = 0) OVER (), sumIf(calls, change = 1) OVER (), sumIf(calls, change = 2) OVER (),
   sumIf(calls, change = 3) OVER (), sumIf(calls, change = 4) OVER ()] AS calls_by_change,
  uniqExactMergeIf(of_runs, change = 0) OVER () AS cut_runs,
  uniqExactMergeIf(of_successful, change = 0) OVER () AS cut_successful,
  arraySum(paid -> paid.2, groupUniqArrayMerge(cut_paid) OVER ()) AS cut_value
FROM
(
  SELECT
    change,
    tool,
    rule,
    if(changed, arguments_shape, '') AS shape,
    count() AS calls,
    uniqExactStateIf(run, changed) AS of_runs,
    uniqExactStateIf(run, changed AND outcome = 'success') AS of_successful,
    uniqExactIf(tool_arguments_hash, changed) AS arguments,
    groupArraySortedIf(5)((-toInt64(started_ns), run, ordinal), changed) AS examples,
    groupUniqArrayStateIf((run, assumeNotNull(run_cost_usd)), change = 0 AND outcome = 'success' AND run_cost_usd > 0) AS cut_paid
  FROM (SELECT *, change != 4 AS changed FROM ({calls}))
  GROUP BY change, tool, rule, shape
)
ORDER BY change, calls DESC, tool, rule, shape
LIMIT {most:UInt32}
