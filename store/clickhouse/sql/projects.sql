-- Projects that have runs.
SELECT DISTINCT project
FROM runs
ORDER BY project
