-- What the judges say of a run, where pages sum and filter: attempts (each a small JSON text, none in most runs), tool
-- calls by what became of them, the tools offered with a digest of their schemas; and of a call, what makes a repeat.

ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS attempts Array(String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_outcomes Map(LowCardinality(String), UInt32) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_schemas Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS is_last_part Bool DEFAULT true;

ALTER TABLE steps
    ADD COLUMN IF NOT EXISTS tool_repeat_hash String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS tool_idempotency String CODEC(ZSTD(1));
