-- Remove the place where rows that stay are gathered, also after a crash.
DROP TABLE IF EXISTS staging_{table} SYNC
