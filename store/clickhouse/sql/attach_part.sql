-- Take up one part that lies among the detached ones.
ALTER TABLE {table} ATTACH PART '{part}'
