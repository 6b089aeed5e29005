-- Old parts with rows that went out of use until a moment and still lie on the disk of these tables.
SELECT count() AS parts
FROM system.parts
WHERE NOT active AND rows > 0 AND remove_time <= toDateTime({until_s:UInt32})
  AND database = currentDatabase() AND table IN {tables:Array(String)}
