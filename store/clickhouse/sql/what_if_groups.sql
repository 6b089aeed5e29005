-- What a candidate policy changes for each stored tool call, by change, tool and rule. Held equal to `spans.whatif`.
SELECT
  change,
  tool,
  rule,
  count() AS calls,
  uniqExact(run_id) AS runs,
  uniqExactIf(run_id, outcome = 'success') AS successful_runs,
  uniqExact(tool_arguments_hash) AS arguments,
  groupArraySorted(5)((-toInt64(started_ns), run_id, ordinal, span_id)) AS examples
FROM ({calls})
GROUP BY change, tool, rule
