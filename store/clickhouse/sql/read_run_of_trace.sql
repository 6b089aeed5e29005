-- The newest run that shows a trace.
SELECT {columns}
FROM runs FINAL
WHERE project = {project:String} AND has(traces, {trace_id:String})
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND has(traces, {trace_id:String}))
ORDER BY started_ns DESC, run_id DESC
LIMIT 1
