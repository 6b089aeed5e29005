-- Gather the rows that stay.
INSERT INTO staging_{table}
SELECT *
FROM {table}
WHERE {day_column} = {day:Date} AND (project, {id}) IN (SELECT project, {id} FROM survivors)
