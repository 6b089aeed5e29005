-- Log records of one trace, every stored copy.
SELECT {columns}
FROM logs
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({span_id:String} = '' OR span_id = {span_id:String})
