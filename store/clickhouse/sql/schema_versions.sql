-- Schema files that were applied to the end.
SELECT max(version) AS version
FROM schema_version
