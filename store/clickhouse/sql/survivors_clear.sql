-- Forget who outlived the day before.
TRUNCATE TABLE survivors
