-- Spend and runs of both groups, by token class; a run counts at every class it paid for.
SELECT
  part.1 AS value,
  ifNull(toFloat64(sumIf(part.2, is_current)), 0) AS usd,
  countIf(is_current) AS runs,
  ifNull(toFloat64(sumIf(part.2, NOT is_current)), 0) AS before_usd,
  countIf(NOT is_current) AS before_runs
FROM
(
  SELECT
    arrayJoin(if(
      empty(cost_classes),
      [('', ifNull(cost_usd, 0))],
      arrayZip(arrayMap(c -> toString(c), cost_classes), cost_class_usd)
    )) AS part,
    started_ns >= {current_since:UInt64} AS is_current
  FROM runs FINAL
  WHERE project = {project:String}
    AND ({workflow:String} = '' OR workflow = {workflow:String})
    AND ({environment:String} = '' OR environment = {environment:String})
    AND (
      (started_ns >= {current_since:UInt64} AND started_ns < {current_until:UInt64})
      OR (started_ns >= {reference_since:UInt64} AND started_ns < {reference_until:UInt64})
    )
)
GROUP BY value
ORDER BY usd DESC, value
LIMIT 200
