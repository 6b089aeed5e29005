-- Keep every part of a table as it is now, as links to the same bytes.
ALTER TABLE {table} FREEZE WITH NAME '{label}'
