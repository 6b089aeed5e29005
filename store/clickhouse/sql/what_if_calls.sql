-- Every counted tool call of the chosen runs with what the candidate changes for it; a part of other statements.
SELECT
  s.run_id AS run_id,
  s.span_id AS span_id,
  s.ordinal AS ordinal,
  s.tool_name AS tool,
  s.tool_arguments_hash AS tool_arguments_hash,
  r.outcome AS outcome,
  r.started_ns AS started_ns,
  r.cost_usd AS run_cost_usd,
  s.tool_outcome IN ('denied', 'approval_pending', 'not_executed') AS stopped,
  match(s.tool_name, {unreadable:String}) AS unreadable,
  multiIf(
    has({denied:Array(String)}, s.tool_name), 'denied_tools',
    has({approval:Array(String)}, s.tool_name), if({approved}, '', 'require_approval'),
    {has_allowed:Bool} AND NOT has({allowed:Array(String)}, s.tool_name), 'allowed_tools',
    '') AS broken,
  multiIf(
    unreadable, 'cannot_evaluate',
    NOT stopped AND broken = 'require_approval', 'needs_approval',
    NOT stopped AND broken != '', 'newly_denied',
    s.tool_outcome IN ('denied', 'approval_pending') AND broken = '', 'newly_allowed',
    s.tool_outcome = 'denied' AND broken = 'require_approval', 'needs_approval',
    s.tool_outcome = 'approval_pending' AND broken IN ('denied_tools', 'allowed_tools'), 'newly_denied',
    'unchanged') AS change,
  if(change IN ('newly_denied', 'needs_approval'), broken, '') AS rule
FROM (SELECT run_id, span_id, ordinal, version, tool_name, tool_arguments_hash, tool_outcome, tool_call_id, data FROM steps FINAL WHERE project = {project:String} AND kind = 'tool' AND counted) AS s
INNER JOIN
(
  SELECT run_id, version, outcome, started_ns, cost_usd
  FROM runs FINAL
  WHERE {where} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String})
) AS r ON s.run_id = r.run_id AND s.version = r.version
