-- The partition each known run was first written to, and where its newest version is summed.
SELECT
  project,
  run_id,
  min(partition_day) AS day,
  argMax((environment, workflow, started_ns), version) AS summed_in
FROM runs
WHERE (project, run_id) IN {keys:Array(Tuple(String, String))}
GROUP BY project, run_id
