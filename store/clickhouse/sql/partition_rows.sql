-- Rows in the partition of one day, per table.
SELECT table, sum(rows) AS rows
FROM system.parts
WHERE active AND database = currentDatabase() AND partition_id = {partition:String}
GROUP BY table
