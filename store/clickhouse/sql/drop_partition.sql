-- Drop the rows of one received day from one table; works on a full disk.
ALTER TABLE {table} DROP PARTITION ID '{partition}'
