-- How often each run called the same tool in a row, at most.
LEFT JOIN
(
  SELECT run_id, arrayMax(arrayMap(part -> length(part), arraySplit((tool, is_new) -> is_new, tools, arrayMap(i -> i > 1 AND tools[i] != tools[i - 1], arrayEnumerate(tools))))) AS longest
  FROM
  (
    SELECT run_id, arrayMap(x -> x.2, arraySort(groupArray((ordinal, tool_name)))) AS tools
    FROM steps FINAL
    WHERE partition_day >= {oldest_day:Date} AND project = {project:String} AND kind = 'tool' AND counted AND start_ns >= {steps_since:UInt64}
    GROUP BY run_id
  )
) AS repeats USING (run_id)
