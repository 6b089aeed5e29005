-- Log records of one trace, every stored copy. A record without a span makes a step that has the first half of its id.
SELECT {columns}
FROM logs
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)}
    OR (span_id = '' AND substring(log_id, 1, 16) IN {span_ids:Array(String)}))
