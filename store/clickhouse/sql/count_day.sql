-- Rows of one day in one table: all of them, and those of runs that stay.
SELECT count() AS rows, countIf((project, {id}) IN (SELECT project, {id} FROM survivors)) AS staying
FROM {table}
WHERE {day_column} = {day:Date}
