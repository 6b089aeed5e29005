-- Evidence: redacted spans and logs as received, and the facts made of each. Never changed, dropped by received day.
-- The sort key is the deduplication key. Inserts are fsynced: the spool forgets a batch once its insert returned.

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

-- A copy of a span or log with other content has another hash and stays: assembly sees every copy.
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
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
