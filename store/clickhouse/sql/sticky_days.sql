-- The partition each known run was first written to, where its newest version is summed, and when its content went.
SELECT
  project,
  run_id,
  min(partition_day) AS day,
  argMax((environment, workflow, started_ns), version) AS summed_in,
  max(content_expired_ns) AS expired_ns
FROM runs
WHERE (project, run_id) IN {keys:Array(Tuple(String, String))}
GROUP BY project, run_id
