-- A day in which nothing was written for a while becomes one part. Reading the newest version of each run (FINAL) then
-- compares nothing: a scan of a month of runs takes a third of the time. Evidence is left out, because it is large and never
-- read so. Steps wait longer, because a straggler makes the engine write their whole day once more.

ALTER TABLE runs MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE hourly_runs MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE hourly_calls MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE hour_marks MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE steps MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;
