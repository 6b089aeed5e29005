-- What rules about success, interventions and tool faults need of an hour: jobs (runs without later parts), what they cost,
-- and tool calls by how they ended.

ALTER TABLE hourly_runs
    ADD COLUMN IF NOT EXISTS jobs UInt64 DEFAULT runs CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS jobs_usd Decimal(38, 12) DEFAULT cost_usd CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS intervened_runs UInt64 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_outcomes Map(String, UInt64) CODEC(ZSTD(1));

-- Hours that were summed before are summed again.
INSERT INTO hour_marks (project, environment, workflow, hour_ns, partition_day, marked_ns, rolled_ns)
SELECT DISTINCT project, environment, workflow, hour_ns, partition_day, toUInt64(toUnixTimestamp64Nano(now64(9))), 0
FROM hourly_runs
SETTINGS max_partitions_per_insert_block = 0;
