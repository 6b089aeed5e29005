-- Van Elteren's stratified rank-sum test of every number of every comparison, and its dispersion: each day of the
-- reference against its other days. Values are ranked once per stratum; equal ones share the middle of their ranks.
SELECT
  i,
  f,
  sumIf(w * (u - n0 * n1 / 2), c = -1) / sqrt(sumIf(w * w * n0 * n1 * (n0 + n1 + 1) / 12 * tie, c = -1)) AS z,
  sumIf(u / n0, c = -1) / sumIf(n1, c = -1) - 0.5 AS shift,
  toUInt64(sumIf(n1, c = -1)) AS current_runs,
  toUInt64(sumIf(n0, c = -1)) AS reference_runs,
  any(before) AS before_median,
  any(after) AS after_median,
  sumMap([c], [w * (u - n0 * n1 / 2)]) AS excesses,
  sumMap([c], [w * w * n0 * n1 * (n0 + n1 + 1) / 12 * tie]) AS variances
FROM
(
  SELECT
    i,
    f,
    before,
    after,
    test.1 AS c,
    test.2 AS n1,
    test.3 AS n0,
    test.4 - n1 * (n1 + 1) / 2 AS u,
    test.5 AS tie,
    1 / (n1 + n0 + 1) AS w
  FROM
  (
    SELECT
      i,
      f,
      before,
      after,
      arraySort((v, g) -> v, one.1, one.2) AS vs,
      arraySort((g, v) -> v, one.2, one.1) AS gs,
      arrayFilter((v, g) -> g >= 0, vs, gs) AS old_vs,
      arrayFilter(g -> g >= 0, gs) AS old_gs,
      arrayEnumerateUniq(vs) AS ties,
      arrayEnumerateUniq(old_vs) AS old_ties,
      arrayMap((k, up, down) -> k + (toFloat64(down) - up) / 2, arrayEnumerate(vs), ties, arrayReverse(arrayEnumerateUniq(arrayReverse(vs)))) AS ranks,
      arrayMap((k, up, down) -> k + (toFloat64(down) - up) / 2, arrayEnumerate(old_vs), old_ties, arrayReverse(arrayEnumerateUniq(arrayReverse(old_vs)))) AS old_ranks,
      1 - arraySum(k -> 3. * k * k - 3. * k, old_ties) / (pow(toFloat64(length(old_vs)), 3) - length(old_vs)) AS old_tie,
      arrayJoin(arrayConcat(
        [(
          toInt32(-1),
          toFloat64(length(gs) - length(old_gs)),
          toFloat64(length(old_gs)),
          arraySum((r, g) -> if(g = -1, r, 0.), ranks, gs),
          1 - arraySum(k -> 3. * k * k - 3. * k, ties) / (pow(toFloat64(length(vs)), 3) - length(vs))
        )],
        arrayMap(
          d -> (
            d,
            toFloat64(countEqual(old_gs, d)),
            toFloat64(length(old_gs) - countEqual(old_gs, d)),
            arraySum((r, g) -> if(g = d, r, 0.), old_ranks, old_gs),
            old_tie
          ),
          arrayDistinct(old_gs)
        )
      )) AS test
    FROM
    (
      SELECT
        i,
        f,
        arrayReduce('quantileExactInclusive(0.5)', arrayFlatten(arrayMap(x -> arrayFilter((v, g) -> g >= 0, x.1, x.2), strata))) AS before,
        arrayReduce('quantileExactInclusive(0.5)', arrayFlatten(arrayMap(x -> arrayFilter((v, g) -> g = -1, x.1, x.2), strata))) AS after,
        arrayJoin(strata) AS one
    FROM
    (
      SELECT i, f, groupArray((vs, gs)) AS strata
      FROM
      (
        SELECT i, f, stratum, groupArray(v) AS vs, groupArray(g) AS gs
        FROM
        (
          SELECT i, g, stratum, f, v
          FROM ({groups}) ARRAY JOIN measure_names AS f, measure_values AS v
        )
        GROUP BY i, f, stratum
      )
      GROUP BY i, f
    )
    )
  )
  WHERE n1 >= 1 AND n0 >= 3
)
GROUP BY i, f
HAVING isFinite(z)
ORDER BY i, f
