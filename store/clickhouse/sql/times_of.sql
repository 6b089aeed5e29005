-- When the spans of some traces began and were received.
SELECT
    count() AS spans,
    min(start_ns) AS first_began_ns,
    max(start_ns) AS last_began_ns,
    min(received_ns) AS first_received_ns,
    max(received_ns) AS last_received_ns
FROM spans
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
