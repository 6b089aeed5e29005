-- The shape of a tool call's arguments as a column: a what-if groups calls by it.

ALTER TABLE steps ADD COLUMN IF NOT EXISTS tool_arguments_shape LowCardinality(String) DEFAULT JSONExtractString(data, 'tool_arguments_shape');

-- Older parts compute it from `data` when it is read; that is right but slow, so it is written down in the background.
ALTER TABLE steps MATERIALIZE COLUMN tool_arguments_shape SETTINGS mutations_sync = 0, alter_sync = 0;
