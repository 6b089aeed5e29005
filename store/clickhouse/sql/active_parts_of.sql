-- The same of one table, which costs the same however many parts the others have.
SELECT table, name, path
FROM system.parts
WHERE active AND database = currentDatabase() AND table = {table:String}
