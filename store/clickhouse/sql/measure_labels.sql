-- When each label of a workflow was first and last seen; runs that hold the same are put together before labels are taken apart.
SELECT
  workflow,
  environment,
  label,
  sum(held) AS runs,
  min(begins_ns) AS first_ns,
  max(ends_ns) AS last_ns
FROM (
  SELECT workflow, environment, {held} AS holds, count() AS held, min(started_ns) AS begins_ns, max(started_ns) AS ends_ns
  FROM runs FINAL
  WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {at_ns:UInt64} AND mode != 'shadow'
  GROUP BY workflow, environment, holds
)
ARRAY JOIN {labels} AS label
WHERE label != ''
GROUP BY workflow, environment, label
ORDER BY workflow, environment, first_ns, label
