-- Every tool with every schema that the runs that match were offered.
SELECT tool, schema, count() AS runs, min(started_ns) AS first_ns, max(started_ns) AS last_ns
FROM runs FINAL
ARRAY JOIN mapKeys(tool_schemas) AS tool, mapValues(tool_schemas) AS schema
WHERE partition_day >= {since_day:Date} AND {where}
GROUP BY tool, schema
ORDER BY tool, first_ns, schema
LIMIT 2000
