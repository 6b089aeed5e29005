-- How some runs ended, or in which run their job went on.
SELECT run_id, outcome, if(is_last_part, '', JSONExtractString(data, 'continued_by')) AS next
FROM runs FINAL
WHERE project = {project:String} AND run_id IN {run_ids:Array(String)} AND mode != 'shadow'
