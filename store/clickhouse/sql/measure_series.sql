-- A feature over time: the median of a number, the rate of a yes/no feature.
SELECT
  intDiv(started_ns, {bucket_ns:UInt64}) AS bucket,
  count() AS runs,
  {middle} AS middle
FROM (SELECT started_ns, {value} AS measured FROM ({groups}))
WHERE measured IS NOT NULL
GROUP BY bucket
ORDER BY bucket
