-- The partition each known run was first written to.
SELECT project, run_id, min(partition_day) AS day
FROM runs
WHERE (project, run_id) IN {keys:Array(Tuple(String, String))}
GROUP BY project, run_id
