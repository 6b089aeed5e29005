-- Values of a feature in both groups; the same sample each time.
SELECT is_current, groupArray(value) AS several
FROM
(
  SELECT run_id, g = -1 AS is_current, assumeNotNull(measured) AS value
  FROM (SELECT run_id, g, {value} AS measured FROM ({groups}))
  WHERE measured IS NOT NULL
  ORDER BY cityHash64(run_id)
  LIMIT {limit:UInt32} BY is_current
)
GROUP BY is_current
