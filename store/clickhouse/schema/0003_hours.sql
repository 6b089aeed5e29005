-- Hourly roll-ups: recomputed per dirty hour from runs and steps, never added up at insert, so a span that arrives twice
-- counts once. A unit is (project, environment, workflow, hour) within one partition: it expires with the runs it sums.

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

-- Which hours must be computed again: marked before their runs are written, rolled when they were summed.
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
ORDER BY (project, environment, workflow, hour_ns, workflow_version, mode, kind, provider, name, outcome);
