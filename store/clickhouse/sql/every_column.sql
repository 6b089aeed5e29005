-- Every column of every table of ours that holds data.
SELECT table, name
FROM system.columns
WHERE database = currentDatabase() AND default_kind != 'ALIAS'
ORDER BY table, position
