-- What a run cost by token class, as its own price lines say: spend is split by it. Runs stored before hold none; `tracetape renormalise` fills it.

ALTER TABLE runs ADD COLUMN IF NOT EXISTS cost_classes Array(LowCardinality(String)) CODEC(ZSTD(1));

ALTER TABLE runs ADD COLUMN IF NOT EXISTS cost_class_usd Array(Decimal(38, 12)) CODEC(ZSTD(1));
