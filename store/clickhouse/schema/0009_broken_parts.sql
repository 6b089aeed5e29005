-- A part that lost bytes on a full disk is set aside when the engine is opened, however large it is: what it was merged from
-- is still there. With the engine's own bound (1 GiB) one large part would keep the whole table from being opened.

ALTER TABLE spans MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE span_contents MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE logs MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE facts MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE runs MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE steps MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE hour_marks MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE hourly_runs MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE hourly_calls MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE survivors MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE gone_traces MODIFY SETTING max_suspicious_broken_parts = 100000, max_suspicious_broken_parts_bytes = 1000000000000000;
