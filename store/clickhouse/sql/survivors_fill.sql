-- The runs that outlive a day, once for each trace they show: a workflow's rule beats its project's, a pin beats both.
INSERT INTO survivors (project, run_id, trace_id)
SELECT project, run_id, arrayJoin(traces)
FROM runs FINAL
WHERE (project, run_id) IN (SELECT project, run_id FROM survivors WHERE trace_id = '')
  OR multiIf(
    (project, workflow) IN {flows_that_stay:Array(Tuple(String, String))}, true,
    (project, workflow) IN {flows_that_go:Array(Tuple(String, String))}, false,
    project IN {projects_that_stay:Array(String)}, true,
    project IN {projects_that_go:Array(String)}, false,
    {others_stay:Bool})
