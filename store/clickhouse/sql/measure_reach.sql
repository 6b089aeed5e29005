-- What a workflow's runs touched.
SELECT
  count() AS run_count,
  uniqExactIf(user_id, user_id != '') AS users,
  sum(cost_usd) AS usd,
  sumMap(mapFromArrays(arrayDistinct(tool_sequence), arrayMap(t -> toUInt64(countEqual(tool_sequence, t)), arrayDistinct(tool_sequence)))) AS calls
FROM runs FINAL
WHERE project = {project:String} AND workflow = {workflow:String} AND environment = {environment:String}
  AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64} AND mode != 'shadow'
