-- Rows of one table that an export may have to read.
SELECT count() AS rows
FROM {table}
WHERE project = {project:String}
