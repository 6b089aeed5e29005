-- Ids of the runs that match, newest first.
SELECT run_id
FROM runs FINAL
WHERE {where}
ORDER BY started_ns DESC, run_id DESC
LIMIT {most:UInt32}
