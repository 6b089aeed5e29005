-- Runs with more executed tool calls than a limit, on some days; a part of other statements.
(run_id, version) IN
(
  SELECT run_id, version
  FROM steps FINAL
  PREWHERE project = {project:String} AND partition_day IN {some_days:Array(Date)} AND {executed}
  GROUP BY run_id, version
  HAVING count() > {max_tool_calls:Int64}
)
