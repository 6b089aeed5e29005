-- Spend and runs of a workflow between each of some moments and now. An empty list of environments means all of them.
-- A run is received no earlier than it starts (a day is left for clocks that run ahead), so older partitions are not read.
SELECT since, sum(cost_usd) AS usd, count() AS runs
FROM runs FINAL
ARRAY JOIN {since:Array(UInt64)} AS since
WHERE partition_day >= {since_day:Date} AND project = {project:String} AND workflow = {workflow:String}
  AND (empty({environment:Array(String)}) OR has({environment:Array(String)}, environment))
  AND started_ns >= since AND started_ns < {until_ns:UInt64} AND mode != 'shadow'
GROUP BY since
