-- Old parts with rows that still lie on the disk of these tables.
SELECT count() AS parts
FROM system.parts
WHERE NOT active AND rows > 0 AND database = currentDatabase() AND table IN {tables:Array(String)}
