-- Where each limit would have stopped the runs of some days that exceed it: before the first step that starts when it is
-- over already, and what that step and the rest cost. One row per limit; days add up. Held equal to `spans.whatif`.
-- Which runs may exceed one is asked once, where their steps are read; every run has a step. The join
-- drops steps of older versions.
SELECT
  rule,
  count() AS runs,
  countIf(outcome = 'success') AS successful_runs,
  sum(saved) AS saved_usd,
  groupArraySorted(5)((-toInt64(started_ns), run_id, span_id, call, after_ns, saved)) AS examples
FROM
(
  SELECT
    run_id,
    outcome,
    started_ns,
    stop.1 AS rule,
    toInt64(stop.2) AS place,
    if(place = 0, '', spans[place]) AS span_id,
    if(place = 0, arraySum(executed), before[place] + 1) AS call,
    if(place = 0, duration_ns, greatest(0, toInt64(starts[place]) - toInt64(started_ns))) AS after_ns,
    if(place = 0, toDecimal128(0, 12), arraySum(arraySlice(costs, place))) AS saved
  FROM
  (
    SELECT
      r.run_id AS run_id, r.outcome AS outcome, r.started_ns AS started_ns, r.duration_ns AS duration_ns,
      r.cost_usd AS run_cost_usd, r.tokens AS run_tokens,
      arraySort((value, place) -> place, s.starts, s.places) AS starts,
      arraySort((value, place) -> place, s.spans, s.places) AS spans,
      arraySort((value, place) -> place, s.executed, s.places) AS executed,
      arraySort((value, place) -> place, s.costs, s.places) AS costs,
      arraySort((value, place) -> place, s.used, s.places) AS used,
      arrayMap((sum, own) -> sum - own, arrayCumSum(executed), executed) AS before,
      [{stops}] AS stops
    FROM
    (
      SELECT
        run_id, version,
        groupArray(toInt128(start_ns) * 4294967296 + ordinal) AS places,
        groupArray(start_ns) AS starts,
        groupArray(span_id) AS spans,
        groupArray(toInt64({executed})) AS executed,
        groupArray(if(usage_role = 'own', ifNull(cost_usd, toDecimal128(0, 12)), toDecimal128(0, 12))) AS costs,
        groupArray(if(usage_role = 'own', toInt64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)), 0)) AS used
      FROM steps FINAL
      PREWHERE project = {project:String} AND partition_day IN {some_days:Array(Date)} AND run_id IN
      (
        SELECT run_id
        FROM runs FINAL
        WHERE {chosen}
      )
      GROUP BY run_id, version
    ) AS s
    INNER JOIN
    (
      SELECT run_id, version, outcome, started_ns, duration_ns, cost_usd, toInt64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)) AS tokens
      FROM runs FINAL
      WHERE partition_day IN {some_days:Array(Date)} AND {where}
    ) AS r ON s.run_id = r.run_id AND s.version = r.version
  )
  ARRAY JOIN arrayFilter(stop -> stop.3, stops) AS stop
)
GROUP BY rule
