-- Runs that show one of some traces, with the hour and partition they are summed in.
SELECT run_id, partition_day, environment, workflow, started_ns
FROM runs
WHERE project = {project:String} AND hasAny(traces, {trace_ids:Array(String)})
