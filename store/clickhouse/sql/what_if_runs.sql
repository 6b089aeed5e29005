-- How many runs a candidate speaks of, and how many of them have no known cost.
SELECT count() AS runs, countIf(cost_usd IS NULL) AS unpriced
FROM runs FINAL
WHERE {where} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String})
