-- Spans of some traces, every stored copy; the winner is chosen by the caller, across partitions.
SELECT {columns}
FROM spans
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)})
