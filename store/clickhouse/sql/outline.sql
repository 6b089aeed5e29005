-- The tree of a run in columns. JSON is only opened where its raw text holds the name, which saves most of the work.
SELECT
  toUInt32(JSONExtractUInt(data, 'depth')) AS depth,
  toString(kind) AS kind_name,
  toString(multiIf(
    kind = 'tool' AND tool_name != '', tool_name,
    kind = 'model' AND response_model != '', response_model,
    kind = 'model' AND request_model != '', request_model,
    kind = 'agent' AND agent_name != '', agent_name,
    name)) AS title,
  start_ns,
  duration_ns,
  if(position(data, '"flags"') = 0, [], JSONExtract(data, 'flags', 'Array(String)')) AS flag_names,
  position(data, '"decisions"') > 0 AND arrayExists(
    d -> JSONExtractString(d, 'verdict') = 'deny', JSONExtractArrayRaw(data, 'decisions')) AS is_refused,
  if(position(data, '"content_state"') = 0, '', JSONExtractString(data, 'content_state')) AS state_name,
  multiIf(
    tool_outcome = 'approval_pending', 'waiting',
    tool_outcome IN ('denied', 'not_executed') OR is_refused, 'denied',
    tool_outcome IN ('error', 'timeout', 'invalid_arguments') OR status = 'error', 'error',
    status = 'running' OR has(flag_names, 'unfinished'), 'running',
    '') AS trouble,
  if(usage_role = 'own', toFloat64(cost_usd), NULL) AS own_cost,
  counted AND usage_role != 'duplicate' AS is_counted,
  has(flag_names, 'noise') AS is_noise,
  has(flag_names, 'orphan') AS is_orphan,
  has(flag_names, 'withheld') OR state_name = 'withheld' AS is_withheld,
  state_name = 'expired' AS is_expired,
  if(position(data, '"decisions"') = 0, 0, JSONLength(data, 'decisions')) AS decision_count
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal
