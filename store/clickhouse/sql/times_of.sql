-- When the spans and logs of some traces began and were received; a log of unknown time has 0, as in exports.
SELECT
    count() AS items,
    min(began_ns) AS first_began_ns,
    max(began_ns) AS last_began_ns,
    min(received_ns) AS first_received_ns,
    max(received_ns) AS last_received_ns
FROM
(
    SELECT start_ns AS began_ns, received_ns FROM spans
    WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
    UNION ALL
    SELECT time_ns AS began_ns, received_ns FROM logs
    WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
)
