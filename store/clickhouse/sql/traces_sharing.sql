-- Traces of a project with at least one of some shared keys.
SELECT DISTINCT trace_id
FROM facts
WHERE project = {project:String} AND hasAny(shared_keys, {keys:Array(String)})
