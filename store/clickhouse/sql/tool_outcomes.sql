-- Tool calls by what became of them, by one field of the runs that match.
SELECT value, environment, sumMap(tool_outcomes) AS outcomes
FROM runs FINAL
ARRAY JOIN {field} AS value
WHERE {where} AND mode != 'shadow' AND notEmpty(tool_outcomes)
GROUP BY value, environment
LIMIT 1000
