-- Values hidden per period and entity, by when their items were received.
SELECT intDiv(received_ns, {width_ns:UInt64}) * {width_ns:UInt64} AS begin_ns, note[2] AS entity, count() AS found
FROM {table}
ARRAY JOIN JSONExtract(notes, 'Array(Array(String))') AS note
WHERE project = {project:String} AND received_day BETWEEN {since_day:Date} AND {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns < {until_ns:UInt64} AND notes != '[]'
GROUP BY begin_ns, entity
