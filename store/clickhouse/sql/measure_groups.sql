-- Runs of some comparisons: i which one, g -1 for the current group, else days before the end of the reference.
SELECT
  c.1 AS i,
  if(
    started_ns >= c.4 AND started_ns < c.5 AND (c.8 = '\0' OR workflow_version = c.8) AND (c.10 = '' OR has(models, c.10)),
    toInt32(-1),
    toInt32(intDiv(c.7 - 1 - started_ns, 86400000000000))
  ) AS g,
  (toDayOfWeek(toDateTime(intDiv(started_ns, 1000000000) + c.12, 'UTC')) >= 6) * 4
    + intDiv(toHour(toDateTime(intDiv(started_ns, 1000000000) + c.12, 'UTC')), 6) AS stratum,
  run_id,
  started_ns,
  measure_names,
  measure_values,
  measure_flags,
  tool_sequence,
  outcome,
  is_last_part
FROM
(
  SELECT
    workflow, environment, workflow_version, models, started_ns, run_id, outcome, is_last_part,
    measure_names, measure_values, measure_flags, tool_sequence
  FROM runs FINAL
  WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
    AND mode != 'shadow' AND status != 'running' AND workflow IN {workflow:Array(String)}
) AS r
INNER JOIN
(
  SELECT
    arrayJoin(arrayZip(
      {number:Array(UInt32)}, {workflow:Array(String)}, {environment:Array(String)},
      {current_since:Array(UInt64)}, {current_until:Array(UInt64)},
      {reference_since:Array(UInt64)}, {reference_until:Array(UInt64)},
      {current_version:Array(String)}, {reference_version:Array(String)},
      {current_model:Array(String)}, {keep:Array(UInt32)},
      {utc_offset:Array(Int32)}
    )) AS c,
    c.2 AS workflow,
    c.3 AS environment
) AS w USING (workflow, environment)
WHERE (
    (started_ns >= c.4 AND started_ns < c.5 AND (c.8 = '\0' OR workflow_version = c.8) AND (c.10 = '' OR has(models, c.10)))
    OR (started_ns >= c.6 AND started_ns < c.7 AND (c.9 = '\0' OR workflow_version = c.9))
  )
  AND cityHash64(run_id) % 1000 < c.11
