-- Runs that would have been cut, and what the successful ones among them had cost.
SELECT
  count() AS cut_runs,
  countIf(outcome = 'success') AS cut_successful,
  sumIf(ifNull(run_cost_usd, 0), outcome = 'success') AS cut_value
FROM
(
  SELECT run, any(outcome) AS outcome, any(run_cost_usd) AS run_cost_usd
  FROM ({calls})
  WHERE change = 0
  GROUP BY run
)
