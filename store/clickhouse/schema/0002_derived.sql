-- Derived rows: a run and its steps, replaced as a whole by a higher version. They can be assembled again from facts,
-- so their inserts are not fsynced. partition_day is the run's first received day when it was first written; it never
-- moves, so all versions of a run stand in one partition.

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
ORDER BY (project, run_id, ordinal);
