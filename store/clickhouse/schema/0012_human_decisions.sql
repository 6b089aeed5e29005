-- Which steps hold a decision of a person: a what-if over approvals reads the decisions of those alone.

ALTER TABLE steps ADD COLUMN IF NOT EXISTS human_decided Bool DEFAULT position(data, '"human"') > 0;

-- Older parts compute it from `data` when it is read; that is right but slow, so it is written down in the background.
ALTER TABLE steps MATERIALIZE COLUMN human_decided SETTINGS mutations_sync = 0, alter_sync = 0;
