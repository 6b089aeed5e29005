-- What retention and erasure need: when the content of a run went, who outlives a day, and which traces are gone.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS content_expired_ns UInt64 DEFAULT 0 CODEC(ZSTD(1));

-- Filled anew for each day that expires: the runs that stay, once for each trace they show.
CREATE TABLE IF NOT EXISTS survivors
(
    project LowCardinality(String),
    run_id String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project, run_id, trace_id);

-- A trace that is no longer here, so that a link to it can say why. Only a keyless hash of its id is kept.
CREATE TABLE IF NOT EXISTS gone_traces
(
    trace_hash UInt64 CODEC(ZSTD(1)),
    reason LowCardinality(String),
    gone_ns UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(gone_ns)
ORDER BY (trace_hash, reason);
