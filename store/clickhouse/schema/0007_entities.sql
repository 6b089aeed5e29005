-- Hidden values by entity, per run, per step and per tool of a run: features of drift and of rules about exposure.

ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS entities Map(String, UInt32) DEFAULT JSONExtract(data, 'entities', 'Map(String, UInt32)') CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS entities_by_tool Map(String, UInt32) DEFAULT JSONExtract(data, 'entities_by_tool', 'Map(String, UInt32)') CODEC(ZSTD(1));

ALTER TABLE steps
    ADD COLUMN IF NOT EXISTS entities Map(String, UInt32) DEFAULT JSONExtract(data, 'entities', 'Map(String, UInt32)') CODEC(ZSTD(1));
