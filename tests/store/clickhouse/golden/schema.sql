-- 0001_evidence
CREATE TABLE IF NOT EXISTS spans
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    received_day Date CODEC(Delta, ZSTD(1)),
    received_ns UInt64 CODEC(Delta, ZSTD(1)),
    segment LowCardinality(String),
    slot UInt32 CODEC(Delta, ZSTD(1)),
    position UInt32 CODEC(Delta, ZSTD(1)),
    score UInt256 CODEC(ZSTD(1)),
    content_hash String CODEC(ZSTD(1)),
    has_contents Bool,
    parent_span_id String CODEC(ZSTD(1)),
    name LowCardinality(String),
    kind Int32,
    start_ns UInt64 CODEC(Delta, ZSTD(1)),
    end_ns UInt64 CODEC(Delta, ZSTD(1)),
    status_code Int8,
    trace_state String CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped_attributes UInt32 CODEC(ZSTD(1)),
    dropped_events UInt32 CODEC(ZSTD(1)),
    dropped_links UInt32 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_dropped UInt32 CODEC(ZSTD(1)),
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_dropped UInt32 CODEC(ZSTD(1)),
    scope_schema_url LowCardinality(String),
    marks Array(LowCardinality(String)) CODEC(ZSTD(1)),
    redaction LowCardinality(String),
    fingerprint LowCardinality(String),
    notes String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(score)
PARTITION BY received_day
ORDER BY (project, trace_id, span_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS span_contents
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    received_day Date CODEC(Delta, ZSTD(1)),
    score UInt256 CODEC(ZSTD(1)),
    content_hash String CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(3)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    events String CODEC(ZSTD(3)),
    links String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(score)
PARTITION BY received_day
ORDER BY (project, trace_id, span_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS logs
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    log_id String CODEC(ZSTD(1)),
    received_day Date CODEC(Delta, ZSTD(1)),
    received_ns UInt64 CODEC(Delta, ZSTD(1)),
    segment LowCardinality(String),
    slot UInt32 CODEC(Delta, ZSTD(1)),
    position UInt32 CODEC(Delta, ZSTD(1)),
    time_ns UInt64 CODEC(Delta, ZSTD(1)),
    observed_ns UInt64 CODEC(Delta, ZSTD(1)),
    severity_number Int32,
    severity_text LowCardinality(String),
    event_name LowCardinality(String),
    body String CODEC(ZSTD(3)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped_attributes UInt32 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_dropped UInt32 CODEC(ZSTD(1)),
    resource_schema_url LowCardinality(String),
    scope_name LowCardinality(String),
    scope_version LowCardinality(String),
    scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_dropped UInt32 CODEC(ZSTD(1)),
    scope_schema_url LowCardinality(String),
    marks Array(LowCardinality(String)) CODEC(ZSTD(1)),
    redaction LowCardinality(String),
    fingerprint LowCardinality(String),
    notes String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (project, trace_id, span_id, log_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS facts
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    source LowCardinality(String),
    content_hash String CODEC(ZSTD(1)),
    received_day Date CODEC(Delta, ZSTD(1)),
    received_ns UInt64 CODEC(Delta, ZSTD(1)),
    score UInt64 CODEC(ZSTD(1)),
    shared_keys Array(String) CODEC(ZSTD(1)),
    input_preview String CODEC(ZSTD(3)),
    output_preview String CODEC(ZSTD(3)),
    error_message String CODEC(ZSTD(3)),
    data String CODEC(ZSTD(1)),
    INDEX facts_shared_keys shared_keys TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX facts_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(score)
PARTITION BY received_day
ORDER BY (project, trace_id, span_id, source, content_hash)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1

-- 0002_derived
CREATE TABLE IF NOT EXISTS runs
(
    project LowCardinality(String),
    run_id String CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1)),
    partition_day Date CODEC(Delta, ZSTD(1)),
    first_received_day Date CODEC(Delta, ZSTD(1)),
    last_received_ns UInt64 CODEC(Delta, ZSTD(1)),
    name String CODEC(ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    mode LowCardinality(String),
    shape LowCardinality(String),
    workflow LowCardinality(String),
    workflow_version LowCardinality(String),
    agents Array(LowCardinality(String)) CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    started_ns UInt64 CODEC(Delta, ZSTD(1)),
    duration_ns Int64 CODEC(ZSTD(1)),
    status LowCardinality(String),
    outcome LowCardinality(String),
    cost_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    unpriced_calls UInt32 CODEC(ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    span_count UInt32 CODEC(ZSTD(1)),
    model_calls UInt32 CODEC(ZSTD(1)),
    tool_calls UInt32 CODEC(ZSTD(1)),
    denials UInt32 CODEC(ZSTD(1)),
    errors UInt32 CODEC(ZSTD(1)),
    models Array(LowCardinality(String)) CODEC(ZSTD(1)),
    tools Array(LowCardinality(String)) CODEC(ZSTD(1)),
    dialects Array(LowCardinality(String)) CODEC(ZSTD(1)),
    tags Array(LowCardinality(String)) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    waiting_for String CODEC(ZSTD(1)),
    pinned Bool,
    input_preview String CODEC(ZSTD(3)),
    output_preview String CODEC(ZSTD(3)),
    data String CODEC(ZSTD(1)),
    traces Array(String) CODEC(ZSTD(1)),
    INDEX runs_traces traces TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX runs_started started_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY partition_day
ORDER BY (project, run_id);

CREATE TABLE IF NOT EXISTS steps
(
    project LowCardinality(String),
    run_id String CODEC(ZSTD(1)),
    ordinal UInt32 CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1)),
    partition_day Date CODEC(Delta, ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    name LowCardinality(String),
    start_ns UInt64 CODEC(Delta, ZSTD(1)),
    duration_ns Int64 CODEC(ZSTD(1)),
    status LowCardinality(String),
    provider LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    usage_role LowCardinality(String),
    unpriced Bool,
    tool_name LowCardinality(String),
    tool_call_id String CODEC(ZSTD(1)),
    tool_arguments_hash String CODEC(ZSTD(1)),
    tool_outcome LowCardinality(String),
    counted Bool,
    agent_name LowCardinality(String),
    prompt_hash LowCardinality(String),
    error_message String CODEC(ZSTD(3)),
    cost_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    data String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY partition_day
ORDER BY (project, run_id, ordinal)

-- 0003_hours
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS cache_read_tokens Nullable(UInt64) DEFAULT JSONExtract(data, 'usage', 'cache_read', 'Nullable(UInt64)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS cache_write_tokens Nullable(UInt64) DEFAULT JSONExtract(data, 'usage', 'cache_write', 'Nullable(UInt64)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS reasoning_tokens Nullable(UInt64) DEFAULT JSONExtract(data, 'usage', 'reasoning', 'Nullable(UInt64)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS retrievals UInt32 DEFAULT JSONExtract(data, 'retrievals', 'UInt32') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS interventions UInt32 DEFAULT JSONExtract(data, 'interventions', 'UInt32') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS redactions UInt32 DEFAULT JSONExtract(data, 'redactions', 'UInt32') CODEC(ZSTD(1));

ALTER TABLE steps
    ADD COLUMN IF NOT EXISTS cache_read_tokens Nullable(UInt64) DEFAULT JSONExtract(data, 'usage', 'cache_read', 'Nullable(UInt64)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS cache_write_tokens Nullable(UInt64) DEFAULT JSONExtract(data, 'usage', 'cache_write', 'Nullable(UInt64)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS reasoning_tokens Nullable(UInt64) DEFAULT JSONExtract(data, 'usage', 'reasoning', 'Nullable(UInt64)') CODEC(ZSTD(1));

CREATE TABLE IF NOT EXISTS hour_marks
(
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    hour_ns UInt64 CODEC(Delta, ZSTD(1)),
    partition_day Date CODEC(Delta, ZSTD(1)),
    marked_ns SimpleAggregateFunction(max, UInt64) CODEC(Delta, ZSTD(1)),
    rolled_ns SimpleAggregateFunction(max, UInt64) CODEC(Delta, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY partition_day
ORDER BY (project, environment, workflow, hour_ns);

CREATE TABLE IF NOT EXISTS hourly_runs
(
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    hour_ns UInt64 CODEC(Delta, ZSTD(1)),
    partition_day Date CODEC(Delta, ZSTD(1)),
    workflow_version LowCardinality(String),
    mode LowCardinality(String),
    shape LowCardinality(String),
    outcome LowCardinality(String),
    status LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1)),
    runs UInt64 CODEC(ZSTD(1)),
    priced_runs UInt64 CODEC(ZSTD(1)),
    ended_runs UInt64 CODEC(ZSTD(1)),
    waiting_runs UInt64 CODEC(ZSTD(1)),
    denied_runs UInt64 CODEC(ZSTD(1)),
    cost_usd Decimal(38, 12) CODEC(ZSTD(1)),
    costliest_usd Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_calls UInt64 CODEC(ZSTD(1)),
    input_tokens UInt64 CODEC(ZSTD(1)),
    output_tokens UInt64 CODEC(ZSTD(1)),
    cache_read_tokens UInt64 CODEC(ZSTD(1)),
    cache_write_tokens UInt64 CODEC(ZSTD(1)),
    reasoning_tokens UInt64 CODEC(ZSTD(1)),
    spans UInt64 CODEC(ZSTD(1)),
    model_calls UInt64 CODEC(ZSTD(1)),
    tool_calls UInt64 CODEC(ZSTD(1)),
    retrievals UInt64 CODEC(ZSTD(1)),
    denials UInt64 CODEC(ZSTD(1)),
    interventions UInt64 CODEC(ZSTD(1)),
    errors UInt64 CODEC(ZSTD(1)),
    redactions UInt64 CODEC(ZSTD(1)),
    duration_ns UInt64 CODEC(ZSTD(1)),
    durations Map(UInt16, UInt64) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY partition_day
ORDER BY (project, environment, workflow, hour_ns, workflow_version, mode, shape, outcome, status);

CREATE TABLE IF NOT EXISTS hourly_calls
(
    project LowCardinality(String),
    environment LowCardinality(String),
    workflow LowCardinality(String),
    hour_ns UInt64 CODEC(Delta, ZSTD(1)),
    partition_day Date CODEC(Delta, ZSTD(1)),
    workflow_version LowCardinality(String),
    mode LowCardinality(String),
    kind LowCardinality(String),
    provider LowCardinality(String),
    name LowCardinality(String),
    outcome LowCardinality(String),
    version UInt64 CODEC(Delta, ZSTD(1)),
    calls UInt64 CODEC(ZSTD(1)),
    priced_calls UInt64 CODEC(ZSTD(1)),
    cost_usd Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_calls UInt64 CODEC(ZSTD(1)),
    input_tokens UInt64 CODEC(ZSTD(1)),
    output_tokens UInt64 CODEC(ZSTD(1)),
    cache_read_tokens UInt64 CODEC(ZSTD(1)),
    cache_write_tokens UInt64 CODEC(ZSTD(1)),
    reasoning_tokens UInt64 CODEC(ZSTD(1)),
    duration_ns UInt64 CODEC(ZSTD(1)),
    durations Map(UInt16, UInt64) CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY partition_day
ORDER BY (project, environment, workflow, hour_ns, workflow_version, mode, kind, provider, name, outcome)

-- 0004_judged
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS attempts Array(String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_outcomes Map(LowCardinality(String), UInt32) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_schemas Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS is_last_part Bool DEFAULT true;

ALTER TABLE steps
    ADD COLUMN IF NOT EXISTS tool_repeat_hash String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_idempotency String CODEC(ZSTD(1))

-- 0005_measures
ALTER TABLE runs ADD COLUMN IF NOT EXISTS measure_names Array(LowCardinality(String)) CODEC(ZSTD(1));

ALTER TABLE runs ADD COLUMN IF NOT EXISTS measure_values Array(Float64) CODEC(ZSTD(1));

ALTER TABLE runs ADD COLUMN IF NOT EXISTS measure_flags Array(LowCardinality(String)) CODEC(ZSTD(1));

ALTER TABLE runs ADD COLUMN IF NOT EXISTS tool_sequence Array(LowCardinality(String)) CODEC(ZSTD(1))

-- 0006_keeping
ALTER TABLE runs ADD COLUMN IF NOT EXISTS content_expired_ns UInt64 DEFAULT 0 CODEC(ZSTD(1));

CREATE TABLE IF NOT EXISTS survivors
(
    project LowCardinality(String),
    run_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project, run_id, trace_id);

CREATE TABLE IF NOT EXISTS gone_traces
(
    trace_hash UInt64 CODEC(ZSTD(1)),
    reason LowCardinality(String),
    gone_ns UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(gone_ns)
ORDER BY (trace_hash, reason)

-- 0007_entities
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS entities Map(String, UInt32) DEFAULT JSONExtract(data, 'entities', 'Map(String, UInt32)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS entities_by_tool Map(String, UInt32) DEFAULT JSONExtract(data, 'entities_by_tool', 'Map(String, UInt32)') CODEC(ZSTD(1));

ALTER TABLE steps
    ADD COLUMN IF NOT EXISTS entities Map(String, UInt32) DEFAULT JSONExtract(data, 'entities', 'Map(String, UInt32)') CODEC(ZSTD(1))

-- 0008_jobs
ALTER TABLE hourly_runs
    ADD COLUMN IF NOT EXISTS jobs UInt64 DEFAULT runs CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS jobs_usd Decimal(38, 12) DEFAULT cost_usd CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS intervened_runs UInt64 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_outcomes Map(String, UInt64) CODEC(ZSTD(1));

INSERT INTO hour_marks (project, environment, workflow, hour_ns, partition_day, marked_ns, rolled_ns)
SELECT DISTINCT project, environment, workflow, hour_ns, partition_day, toUInt64(toUnixTimestamp64Nano(now64(9))), 0
FROM hourly_runs
SETTINGS max_partitions_per_insert_block = 0

-- 0009_broken_parts
ALTER TABLE spans MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE span_contents MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE logs MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE facts MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE runs MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE steps MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE hour_marks MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE hourly_runs MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE hourly_calls MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE survivors MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;

ALTER TABLE gone_traces MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000

-- 0010_key_ids
ALTER TABLE spans ADD COLUMN IF NOT EXISTS key_id LowCardinality(String) DEFAULT '' AFTER fingerprint;

ALTER TABLE logs ADD COLUMN IF NOT EXISTS key_id LowCardinality(String) DEFAULT '' AFTER fingerprint

-- 0011_prompts
ALTER TABLE runs ADD COLUMN IF NOT EXISTS prompts Array(LowCardinality(String)) CODEC(ZSTD(1))

-- 0012_human_decisions
ALTER TABLE steps ADD COLUMN IF NOT EXISTS human_decided Bool DEFAULT position(data, '"human"') > 0;

ALTER TABLE steps MATERIALIZE COLUMN human_decided SETTINGS mutations_sync = 0, alter_sync = 0

-- 0013_whole_days
ALTER TABLE runs MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE hourly_runs MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE hourly_calls MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE hour_marks MODIFY SETTING min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE steps MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1

-- 0014_argument_shapes
ALTER TABLE steps ADD COLUMN IF NOT EXISTS tool_arguments_shape LowCardinality(String) DEFAULT JSONExtractString(data, 'tool_arguments_shape');

ALTER TABLE steps MATERIALIZE COLUMN tool_arguments_shape SETTINGS mutations_sync = 0, alter_sync = 0

-- 0015_merges
ALTER TABLE spans MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE span_contents MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE logs MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE facts MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE runs MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE steps MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE hour_marks MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE hourly_runs MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE hourly_calls MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE survivors MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1;

ALTER TABLE gone_traces MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1

-- 0016_small_granules
DROP TABLE IF EXISTS runs_next SYNC;

CREATE TABLE runs_next AS runs
ENGINE = ReplacingMergeTree(version)
PARTITION BY partition_day
ORDER BY (project, run_id)
SETTINGS index_granularity = 512, max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000,
  min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1;

INSERT INTO runs_next SELECT * FROM runs SETTINGS max_partitions_per_insert_block = 0;

EXCHANGE TABLES runs AND runs_next;

ALTER TABLE runs RESET SETTING fsync_after_insert;

DROP TABLE runs_next SYNC

-- 0017_cost_classes
ALTER TABLE runs ADD COLUMN IF NOT EXISTS cost_classes Array(LowCardinality(String)) CODEC(ZSTD(1));

ALTER TABLE runs ADD COLUMN IF NOT EXISTS cost_class_usd Array(Decimal(38, 12)) CODEC(ZSTD(1))
