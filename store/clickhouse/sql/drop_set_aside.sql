-- Remove the bytes of a part that was set aside.
ALTER TABLE {table} DROP DETACHED PART '{part}' SETTINGS allow_drop_detached = 1
