-- Rows of one table by project and day.
SELECT project, toString({day_column}) AS day, count() AS rows
FROM {table}
GROUP BY project, day
ORDER BY project, day
