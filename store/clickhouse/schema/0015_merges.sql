-- What was accepted stays through a power cut: a merged part is on the disk before the parts it was made of may go. The embedded
-- engine's own settings sync no merge and remove its sources at once. They are kept half a minute longer, because a merge on a
-- full disk may lack bytes without an error, and is looked for every two seconds (store/clickhouse/wholeness.py).

ALTER TABLE spans MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE span_contents MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE logs MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE facts MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE runs MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE steps MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE hour_marks MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE hourly_runs MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE hourly_calls MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE survivors MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
ALTER TABLE gone_traces MODIFY SETTING min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, fsync_part_directory = 1, old_parts_lifetime = 30;
