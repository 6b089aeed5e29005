-- Received days that have rows, oldest first.
SELECT DISTINCT partition_id
FROM system.parts
WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}
ORDER BY partition_id
