-- Calls by tool and outcome, each call once, those that never ran included; how many runs, and how many ended well.
SELECT
  tool,
  sumMap(map(tool_outcome, toUInt64(1))) AS outcomes,
  uniqExact(run_id) AS runs,
  uniqExactIf(run_id, outcome = 'success') AS good_runs,
  max(started_ns) AS last_ns
FROM
(
  SELECT run_id, version, tool_name AS tool, tool_outcome
  FROM steps FINAL
  WHERE project = {project:String} AND kind = 'tool' AND tool_name != '' AND tool_outcome != ''
    AND (counted OR tool_outcome IN {not_counted:Array(String)})
    AND JSONExtractString(data, 'duplicate_of') = ''
) AS call
INNER JOIN
(
  SELECT run_id, version, outcome, started_ns
  FROM runs FINAL
  WHERE {where}
) AS run
USING (run_id, version)
GROUP BY tool
ORDER BY arraySum(mapValues(outcomes)) DESC, tool
LIMIT 500
