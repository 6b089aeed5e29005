-- Which key the pseudonyms of an item were made with; empty in evidence of earlier versions.

ALTER TABLE spans ADD COLUMN IF NOT EXISTS key_id LowCardinality(String) DEFAULT '' AFTER fingerprint;

ALTER TABLE logs ADD COLUMN IF NOT EXISTS key_id LowCardinality(String) DEFAULT '' AFTER fingerprint;
