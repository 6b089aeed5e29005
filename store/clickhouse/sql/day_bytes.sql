-- Bytes on disk of one received day, over all tables.
SELECT sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = currentDatabase() AND partition_id = {partition:String}
