-- Where one limit would have stopped each run that exceeds it: the first step that starts when it is over, and what the rest cost.
SELECT
  run_id,
  any(outcome) AS outcome,
  any(started_ns) AS started_ns,
  any(duration_ns) AS duration_ns,
  argMinIf(span_id, place, over) AS stop_span,
  minIf(place, over) AS stop_place,
  countIf(over) AS overs,
  argMinIf(calls_before, place, over) AS stop_calls,
  argMinIf(start_ns, place, over) AS stop_ns,
  sum(executed) AS all_calls,
  sumIf(cost, place >= first_place) AS saved
FROM
(
  SELECT
    *,
    minIf(place, over) OVER (PARTITION BY run_id) AS first_over,
    countIf(over) OVER (PARTITION BY run_id) AS any_over,
    if(any_over > 0, first_over, 4294967295) AS first_place
  FROM
  (
    SELECT
      *,
      row_number() OVER ordered AS place,
      toInt64(sum(executed) OVER ordered) - executed AS calls_before,
      sum(cost) OVER ordered - cost AS spent_before,
      toInt64(sum(used) OVER ordered) - used AS used_before,
      {over} AS over
    FROM
    (
      SELECT
        r.run_id AS run_id, s.span_id AS span_id, s.start_ns AS start_ns, s.ordinal AS ordinal,
        r.outcome AS outcome, r.started_ns AS started_ns, r.duration_ns AS duration_ns,
        toInt64(s.kind = 'tool' AND s.counted AND s.tool_name != '' AND s.tool_outcome NOT IN ('denied', 'approval_pending', 'not_executed')) AS executed,
        if(s.usage_role = 'own', ifNull(s.cost_usd, toDecimal128(0, 12)), toDecimal128(0, 12)) AS cost,
        if(s.usage_role = 'own', toInt64(ifNull(s.input_tokens, 0) + ifNull(s.output_tokens, 0)), 0) AS used
      FROM (SELECT run_id, version, span_id, start_ns, ordinal, kind, counted, tool_name, tool_outcome, usage_role, cost_usd, input_tokens, output_tokens FROM steps FINAL WHERE project = {project:String}) AS s
      RIGHT JOIN
      (
        SELECT run_id, version, outcome, started_ns, duration_ns
        FROM runs FINAL
        WHERE {where} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String}) AND {exceeds}
      ) AS r ON s.run_id = r.run_id AND s.version = r.version
    )
    WINDOW ordered AS (PARTITION BY run_id ORDER BY start_ns, ordinal, span_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
)
GROUP BY run_id
HAVING {counted}
