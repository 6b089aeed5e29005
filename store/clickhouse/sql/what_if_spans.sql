-- The spans of some examples, by run and place; other versions of a run may still stand beside the newest.
SELECT run_id, ordinal, argMax(span_id, version) AS span_id
FROM steps
WHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND (run_id, ordinal) IN {examples:Array(Tuple(String, UInt32))}
GROUP BY run_id, ordinal
