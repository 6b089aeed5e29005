-- Runs of a project.
SELECT uniqExact(run_id) AS runs
FROM runs
WHERE project = {project:String}
