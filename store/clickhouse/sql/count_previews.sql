-- Rows of one received day that still hold a preview, but for runs that stay.
SELECT count() AS previews
FROM {table}
WHERE {day_column} = {day:Date} AND ({filled}) AND (project, {id}) NOT IN (SELECT project, {id} FROM survivors)
