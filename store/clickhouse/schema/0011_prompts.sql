-- The prompts of a run by their hashes: a new one marks itself on the charts. Runs stored before hold none.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS prompts Array(LowCardinality(String)) CODEC(ZSTD(1));
