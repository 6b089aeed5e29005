-- Runs with a loop in them, and runs with far more tool calls than 99 of 100 runs of their workflow in the weeks before. A
-- run counts by its end: long ones are those that loop. One that ran for longer than a week is not looked for.
SELECT workflow, environment, run_id, started_ns, tool_sequence, has(measure_flags, 'loop') AS is_row, tool_calls AS calls, toFloat64(usual) AS usual_calls, seen AS seen_runs
FROM runs AS r FINAL
LEFT JOIN
(
  SELECT workflow, environment, quantileExactInclusive(0.99)(tool_calls) AS usual, count() AS seen
  FROM runs FINAL
  WHERE project = {project:String} AND started_ns >= {usual_ns:UInt64} AND started_ns + greatest(duration_ns, 0) < {since_ns:UInt64}
    AND mode != 'shadow' AND status != 'running'
  GROUP BY workflow, environment
) AS u USING (workflow, environment)
WHERE project = {project:String} AND started_ns >= {oldest_ns:UInt64} AND started_ns < {until_ns:UInt64}
  AND started_ns + greatest(duration_ns, 0) >= {since_ns:UInt64} AND mode != 'shadow'
  AND (is_row OR (seen >= {least:UInt32} AND calls > {times:Float64} * greatest(1, usual)))
ORDER BY started_ns, run_id
LIMIT {limit:UInt32}
