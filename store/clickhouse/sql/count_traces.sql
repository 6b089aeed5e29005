-- Rows of some traces in one table.
SELECT count() AS rows
FROM {table}
WHERE project = {project:String} AND {id} IN {ids:Array(String)}
