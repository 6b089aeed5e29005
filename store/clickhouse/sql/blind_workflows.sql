-- Workflows of which no run that matches holds any content.
SELECT workflow
FROM runs FINAL
WHERE partition_day >= {since_day:Date} AND {where} AND workflow != '' AND model_calls + tool_calls > 0
GROUP BY workflow
HAVING countIf(input_preview != '' OR output_preview != '') = 0
ORDER BY count() DESC, workflow
LIMIT 100
