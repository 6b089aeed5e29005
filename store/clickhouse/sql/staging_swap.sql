-- Put the rows that stay in place of the whole day, in one step that no reader sees half done.
ALTER TABLE {table} REPLACE PARTITION ID '{partition}' FROM staging_{table}
