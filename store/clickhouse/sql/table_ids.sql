-- The id under which the engine keeps each of our tables on the disk, and where.
SELECT name, toString(uuid) AS id, data_paths[1] AS path
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY name
