-- Rows of one received day that still hold a preview.
SELECT count() AS previews
FROM {table}
WHERE {day_column} = {day:Date} AND ({filled})
