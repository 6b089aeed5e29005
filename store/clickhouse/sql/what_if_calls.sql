-- Every counted tool call of the chosen runs with what the candidate changes for it; a part of other statements.
-- `change` is a place in `spans.whatif.Change`, `rule` one in `store.clickhouse.whatif.RULES`: numbers group faster, and
-- what depends on the call alone is decided before the join, where tool names are still looked up in a dictionary.
-- PREWHERE drops rows before FINAL chooses between versions; the join on the version makes that harmless, and half is read.
SELECT
  s.ordinal AS ordinal,
  s.tool_name AS tool,
  s.tool_arguments_hash AS tool_arguments_hash,
  s.tool_arguments_shape AS arguments_shape,
  s.change AS change,
  s.rule AS rule,
  s.run AS run,
  r.outcome AS outcome,
  r.started_ns AS started_ns,
  r.cost_usd AS run_cost_usd
FROM
(
  SELECT
    reinterpretAsUInt128(reverse(unhex(s.run_id))) AS run,
    version,
    ordinal,
    tool_name,
    tool_arguments_hash,
    tool_arguments_shape,
    tool_outcome IN ('denied', 'approval_pending', 'not_executed') AS stopped,
    match(tool_name, {unreadable:String}) AS unreadable,
    multiIf(
      has({denied:Array(String)}, tool_name), 1,
      has({approval:Array(String)}, tool_name), if({approved}, 0, 2),
      {has_allowed:Bool} AND NOT has({allowed:Array(String)}, tool_name), 3,
      0) AS broken,
    multiIf(
      unreadable, 3,
      NOT stopped AND broken = 2, 1,
      NOT stopped AND broken != 0, 0,
      tool_outcome IN ('denied', 'approval_pending') AND broken = 0, 2,
      tool_outcome = 'denied' AND broken = 2, 1,
      tool_outcome = 'approval_pending' AND broken IN (1, 3), 0,
      4) AS change,
    if(change IN (0, 1), broken, 0) AS rule
  FROM steps AS s FINAL
  PREWHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND kind = 'tool' AND counted
) AS s
INNER JOIN
(
  SELECT reinterpretAsUInt128(reverse(unhex(run_id))) AS run, version, outcome, started_ns, cost_usd
  FROM runs FINAL
  WHERE partition_day IN {days:Array(Date)} AND {where} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String})
) AS r ON s.run = r.run AND s.version = r.version
