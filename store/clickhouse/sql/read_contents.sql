-- Contents of the spans of some traces, every stored copy.
SELECT {columns}
FROM span_contents
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)})
