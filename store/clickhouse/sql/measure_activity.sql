-- How much each workflow ran lately.
SELECT
  workflow,
  environment,
  count() AS runs,
  min(started_ns) AS first_ns,
  countIf(started_ns >= {day_ns:UInt64}) AS day_runs,
  countIf(started_ns >= {three_day_ns:UInt64}) AS three_day_runs,
  arrayReverseSort(groupArrayIf(started_ns, started_ns >= {three_day_ns:UInt64}))[30] AS thirtieth_ns
FROM runs FINAL
WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {at_ns:UInt64}
  AND mode != 'shadow' AND status != 'running'
GROUP BY workflow, environment
ORDER BY workflow, environment
