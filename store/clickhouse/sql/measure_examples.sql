-- Runs nearest to a value, or those with the largest.
SELECT run_id, measured
FROM (SELECT run_id, g, {value} AS measured FROM ({groups}))
WHERE (g = -1) = {current:Bool} AND measured IS NOT NULL
ORDER BY if({by_size:Bool}, -assumeNotNull(measured), abs(assumeNotNull(measured) - {near:Float64})), run_id
LIMIT {limit:UInt32}
