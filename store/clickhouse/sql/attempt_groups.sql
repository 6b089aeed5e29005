-- Kinds of attempts: those of the range, with how many of each the time before it had and when the kind was first seen.
-- Each attempt's text is parsed once, not once per field.
SELECT
  environment,
  workflow,
  JSONExtractString(attempt, 'kind') AS attempt_kind,
  JSONExtractString(attempt, 'reason') AS attempt_reason,
  JSONExtractString(attempt, 'level') AS attempt_level,
  JSONExtractString(attempt, 'tool') AS attempt_tool,
  JSONExtractString(attempt, 'rule') AS attempt_rule,
  JSONExtractString(attempt, 'shape') AS attempt_shape,
  argMaxIf(JSONExtractString(attempt, 'harm'), (at_ns, run_id), inside) AS newest_harm,
  countIf(inside) AS attempts_inside,
  uniqExactIf(run_id, inside) AS runs_inside,
  countIf(NOT inside) AS attempts_before,
  sumMapIf(map(JSONExtractString(attempt, 'followed'), toUInt64(1)), inside) AS followed_by,
  sumMapIf(map(JSONExtractString(attempt, 'grade'), toUInt64(1)), inside) AS by_grade,
  arraySort(groupUniqArrayIf(5)(workflow_version, inside AND workflow_version != '')) AS versions,
  arraySum(mapValues(maxMapIf(map(run_id, ifNull(cost_usd, 0)), inside))) AS runs_cost_usd,
  min(at_ns) AS first_at_ns,
  maxIf(at_ns, inside) AS last_at_ns,
  argMaxIf(run_id, (at_ns, run_id), inside) AS newest_run,
  argMaxIf(JSONExtractString(attempt, 'span_id'), (at_ns, run_id), inside) AS newest_span
FROM
(
  SELECT
    environment, workflow, workflow_version, run_id, cost_usd, attempt,
    started_ns >= {since_ns:UInt64} AS inside,
    JSONExtractUInt(attempt, 'at_ns') AS at_ns
  FROM runs FINAL
  ARRAY JOIN attempts AS attempt
  WHERE project = {project:String} AND partition_day >= {since_day:Date}
    AND started_ns >= {before_ns:UInt64} AND started_ns < {until_ns:UInt64}
    AND notEmpty(attempts)
    AND {wanted}
)
GROUP BY environment, workflow, attempt_kind, attempt_reason, attempt_level, attempt_tool, attempt_rule, attempt_shape
HAVING attempts_inside > 0
ORDER BY attempts_inside DESC, workflow, attempt_tool, attempt_rule, attempt_shape
LIMIT {most:UInt32}
