-- Spans of one trace, every stored copy; the winner is chosen by the caller, across partitions.
SELECT {columns}
FROM spans
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({span_id:String} = '' OR span_id = {span_id:String})
