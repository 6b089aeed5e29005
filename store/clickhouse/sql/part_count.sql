-- How many parts are in use: what inserts and merges have to keep small.
SELECT count() AS parts
FROM system.parts
WHERE active AND database = currentDatabase()
