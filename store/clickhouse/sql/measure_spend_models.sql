-- Spend and runs of both groups by model. A run of one model is summed as it is; one of several models is split by its
-- calls, read from its steps. Runs are received no earlier than a day before they start, so older partitions are not read.
WITH picked AS
(
  SELECT run_id, version, models, cost_usd, started_ns >= {current_since:UInt64} AS is_current
  FROM runs FINAL
  WHERE project = {project:String} AND partition_day >= {since_day:Date}
    AND ({workflow:String} = '' OR workflow = {workflow:String})
    AND ({environment:String} = '' OR environment = {environment:String})
    AND (
      (started_ns >= {current_since:UInt64} AND started_ns < {current_until:UInt64})
      OR (started_ns >= {reference_since:UInt64} AND started_ns < {reference_until:UInt64})
    )
)
SELECT
  value,
  ifNull(toFloat64(sumIf(spent, is_current)), 0) AS usd,
  countIf(is_current) AS runs,
  ifNull(toFloat64(sumIf(spent, NOT is_current)), 0) AS before_usd,
  countIf(NOT is_current) AS before_runs
FROM
(
  SELECT toString(models[1]) AS value, is_current, cost_usd AS spent
  FROM picked
  WHERE length(models) < 2
  UNION ALL
  SELECT value, is_current, sum(cost_usd) AS spent
  FROM
  (
    SELECT run_id, version, toString(if(response_model != '', response_model, request_model)) AS value, cost_usd
    FROM steps FINAL
    WHERE project = {project:String} AND partition_day >= {since_day:Date} AND usage_role = 'own'
      AND run_id IN (SELECT run_id FROM picked WHERE length(models) > 1)
  ) AS step
  INNER JOIN (SELECT run_id, version, is_current FROM picked WHERE length(models) > 1) AS run
  USING (run_id, version)
  GROUP BY value, is_current, run_id
)
GROUP BY value
ORDER BY usd DESC, value
LIMIT 200
