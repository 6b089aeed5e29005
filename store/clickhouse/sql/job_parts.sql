-- What the parts of jobs that went on in another run cost, of the runs that match, by one field and by the run that went on.
SELECT value, environment, JSONExtractString(data, 'continued_by') AS next, sum(cost_usd) AS usd
FROM runs FINAL
ARRAY JOIN {field} AS value
WHERE partition_day >= {since_day:Date} AND {where}
  AND run_id IN
  (
    SELECT run_id
    FROM runs FINAL
    WHERE partition_day >= {since_day:Date} AND {where} AND mode != 'shadow' AND NOT is_last_part AND cost_usd > 0
  )
GROUP BY value, environment, next
ORDER BY usd DESC, next, value, environment
LIMIT {most:UInt32}
