-- Received days that have rows, oldest first. A dropped day leaves an empty part behind for a moment.
SELECT DISTINCT partition_id
FROM system.parts
WHERE active AND rows > 0 AND database = currentDatabase() AND table IN {tables:Array(String)}
ORDER BY partition_id
