-- A place with the same structure, where the rows that stay are gathered.
CREATE TABLE staging_{table} AS {table}
