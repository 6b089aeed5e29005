-- Runs per shape and part of a range, with the few columns that a list shows above itself.
SELECT
  shape,
  least(intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}), {bucket_count:UInt64} - 1) AS bucket,
  count() AS runs,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum
FROM runs FINAL
WHERE {where}
GROUP BY shape, bucket
ORDER BY shape, bucket
