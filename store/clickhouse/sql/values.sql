-- Values of one field of some runs with their counts.
SELECT value, count() AS runs
FROM runs FINAL
ARRAY JOIN {field} AS value
WHERE {where} AND value != ''
GROUP BY value
ORDER BY runs DESC, value
LIMIT {value_limit:UInt32}
