-- First and last start of some runs.
SELECT count() AS runs, min(started_ns) AS first_ns, max(started_ns) AS last_ns
FROM runs FINAL
WHERE {where}
