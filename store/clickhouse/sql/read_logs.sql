-- Log records of some traces, every stored copy. A record without a span makes a step that has the first half of its id.
SELECT {columns}
FROM logs
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)}
    OR (span_id = '' AND substring(log_id, 1, 16) IN {span_ids:Array(String)}))
