-- Successful calls of a range whose tool and arguments occur more than once in a workflow, oldest first. Partitions are by
-- day of receipt, which is never before the call, so older ones are not read.
SELECT
  run_id, span_id, environment, workflow, tool_name, tool_repeat_hash, tool_idempotency, tool_call_id, start_ns, tool_outcome
FROM
(
  SELECT
    run_id, span_id, environment, workflow, tool_name, tool_repeat_hash, tool_idempotency, tool_call_id, start_ns, tool_outcome,
    count() OVER (PARTITION BY environment, workflow, tool_name, tool_repeat_hash) AS times
  FROM
  (
    SELECT
      run_id, version, span_id, tool_name, tool_repeat_hash, tool_idempotency, tool_call_id, start_ns, tool_outcome
    FROM steps FINAL
    WHERE project = {project:String} AND kind = 'tool' AND counted AND tool_repeat_hash != ''
      AND tool_outcome IN {wrote:Array(String)}
      AND start_ns >= {since_ns:UInt64} AND start_ns < {until_ns:UInt64}
      AND partition_day >= {since_day:Date}
  ) AS call
  INNER JOIN
  (
    SELECT run_id, version, environment, workflow
    FROM runs FINAL
    WHERE project = {project:String} AND mode != 'shadow' AND partition_day >= {since_day:Date}
  ) AS run
  USING (run_id, version)
)
WHERE times > 1
ORDER BY start_ns, run_id, span_id
LIMIT 20000
