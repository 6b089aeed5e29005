-- When each label of a workflow was first and last seen.
SELECT
  workflow,
  environment,
  label,
  count() AS runs,
  min(started_ns) AS first_ns,
  max(started_ns) AS last_ns
FROM runs FINAL
ARRAY JOIN {field} AS label
WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {at_ns:UInt64}
  AND mode != 'shadow' AND label != ''
GROUP BY workflow, environment, label
ORDER BY workflow, environment, first_ns, label
