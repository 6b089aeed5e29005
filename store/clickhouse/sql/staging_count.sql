-- How many rows were gathered.
SELECT count() AS rows
FROM staging_{table}
