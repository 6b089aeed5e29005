-- What detectors compare between runs: numbers (two arrays side by side), yes/no features that are yes, the order of tools.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS measure_names Array(LowCardinality(String)) CODEC(ZSTD(1));
ALTER TABLE runs ADD COLUMN IF NOT EXISTS measure_values Array(Float64) CODEC(ZSTD(1));
ALTER TABLE runs ADD COLUMN IF NOT EXISTS measure_flags Array(LowCardinality(String)) CODEC(ZSTD(1));
ALTER TABLE runs ADD COLUMN IF NOT EXISTS tool_sequence Array(LowCardinality(String)) CODEC(ZSTD(1));
