-- Contents of the spans of one trace, every stored copy.
SELECT {columns}
FROM span_contents
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)})
