-- Facts of some traces, every stored copy.
SELECT {columns}
FROM facts
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
