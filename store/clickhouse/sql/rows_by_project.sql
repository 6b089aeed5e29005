-- Rows of one table by project.
SELECT project, count() AS rows
FROM {table}
GROUP BY project
ORDER BY project
