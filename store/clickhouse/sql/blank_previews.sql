-- Blank the previews of one received day; the rows stay.
ALTER TABLE {table} UPDATE {blanks} IN PARTITION ID '{partition}' WHERE {filled}
