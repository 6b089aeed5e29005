-- Hours that were marked after they were last summed.
SELECT project, environment, workflow, hour_ns, partition_day
FROM
(
  SELECT
    project,
    environment,
    workflow,
    hour_ns,
    partition_day,
    max(marked_ns) AS last_marked_ns,
    max(rolled_ns) AS last_rolled_ns
  FROM hour_marks
  GROUP BY project, environment, workflow, hour_ns, partition_day
)
WHERE last_marked_ns > last_rolled_ns
