-- The tools of runs, for the test of their order; the same sample each time.
SELECT g, stratum, tool_sequence
FROM
(
  SELECT run_id, if(g = -1, -1, 0) AS g, stratum, tool_sequence
  FROM ({groups})
)
ORDER BY cityHash64(run_id)
LIMIT {limit:UInt32} BY g
