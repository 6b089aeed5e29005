-- Every hour summed from one day is to be summed again: some of its runs are gone.
SELECT DISTINCT project, environment, workflow, hour_ns
FROM hourly_runs
WHERE partition_day = {day:Date}
