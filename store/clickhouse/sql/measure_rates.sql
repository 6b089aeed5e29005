-- Cochran-Mantel-Haenszel's test of every yes/no feature of every comparison, and its dispersion as for numbers.
SELECT
  i,
  f,
  sumIf(excess, c = -1) AS excess_current,
  sumIf(variance, c = -1) AS variance_current,
  toUInt64(sumIf(n1, c = -1)) AS current_runs,
  toUInt64(sumIf(n0, c = -1)) AS reference_runs,
  sumIf(k1, c = -1) AS current_yes,
  sumIf(k0, c = -1) AS reference_yes,
  sumMap([c], [excess]) AS excesses,
  sumMap([c], [variance]) AS variances
FROM
(
  SELECT
    i,
    f,
    test.1 AS c,
    test.2 AS n1,
    test.3 AS k1,
    test.4 AS n0,
    test.5 AS k0,
    k1 - n1 * (k1 + k0) / (n1 + n0) AS excess,
    n1 * n0 * (k1 + k0) * (n1 + n0 - k1 - k0) / ((n1 + n0) * (n1 + n0) * (n1 + n0 - 1)) AS variance
  FROM
  (
    SELECT
      i,
      f,
      stratum,
      groupArrayIf((g, n, y), g >= 0) AS old,
      sumIf(n, g >= 0) AS old_n,
      sumIf(y, g >= 0) AS old_y,
      arrayJoin(arrayConcat(
        [(toInt32(-1), toFloat64(sumIf(n, g = -1)), toFloat64(sumIf(y, g = -1)), toFloat64(old_n), toFloat64(old_y))],
        arrayMap(x -> (x.1, toFloat64(x.2), toFloat64(x.3), toFloat64(old_n - x.2), toFloat64(old_y - x.3)), old)
      )) AS test
    FROM
    (
      SELECT i, f, cell.1 AS stratum, cell.2 AS g, cell.3 AS n, cell.4 AS y
      FROM
      (
        SELECT
          i,
          f,
          arrayJoin(arrayMap(t -> (t.1, t.2, t.3, arrayFirst(x -> x.1 = t.1 AND x.2 = t.2, said).3), every)) AS cell
        FROM
        (
          SELECT i, f, groupArray((stratum, g, yes)) AS said
          FROM
          (
            SELECT i, f, stratum, g, count() AS yes
            FROM ({groups}) ARRAY JOIN measure_flags AS f
            GROUP BY i, f, stratum, g
          )
          GROUP BY i, f
          HAVING sum(yes) >= 3
        ) AS features
        INNER JOIN
        (
          SELECT i, groupArray((stratum, g, runs)) AS every
          FROM (SELECT i, stratum, g, count() AS runs FROM ({groups}) GROUP BY i, stratum, g)
          GROUP BY i
        ) AS totals USING (i)
      )
    )
    GROUP BY i, f, stratum
  )
  WHERE n1 >= 1 AND n0 >= 3
)
GROUP BY i, f
HAVING variance_current > 0
ORDER BY i, f
