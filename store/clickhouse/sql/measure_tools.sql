-- The tools of runs, for the test of their order; the same sample each time.
SELECT i, side, stratum, tool_sequence
FROM
(
  SELECT i, run_id, if(g = -1, -1, 0) AS side, stratum, tool_sequence
  FROM ({groups})
)
ORDER BY i, side, cityHash64(run_id)
LIMIT {limit:UInt32} BY i, side
