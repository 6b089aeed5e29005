-- Blank the previews of one received day, but for runs that stay; the rows stay.
ALTER TABLE {table} UPDATE {blanks} IN PARTITION ID '{partition}'
WHERE ({filled}) AND (project, {id}) NOT IN (SELECT project, {id} FROM survivors)
