-- Which runs are on a page, over the few columns that filter and sort, and where their whole rows lie.
SELECT run_id, partition_day
FROM runs FINAL
WHERE {where}
ORDER BY {order}
LIMIT {limit:UInt32}
