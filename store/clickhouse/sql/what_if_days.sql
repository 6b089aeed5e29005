-- The days whose partitions hold the chosen runs, with what a candidate is told about them as a whole: how many, and how many without a known cost.
SELECT partition_day, count() AS runs, countIf(cost_usd IS NULL) AS unpriced
FROM runs FINAL
WHERE {where} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String})
GROUP BY partition_day
ORDER BY partition_day
