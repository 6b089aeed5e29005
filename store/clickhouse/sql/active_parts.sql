-- Where every part in use lies.
SELECT table, name, path
FROM system.parts
WHERE active AND database = currentDatabase()
