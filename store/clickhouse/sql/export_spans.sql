-- Spans of some traces, of every copy the one that counts, with its own contents.
SELECT
  {columns},
  mapConcat(light.attributes, heavy.attributes) AS attributes,
  mapConcat(light.resource_attributes, heavy.resource_attributes) AS resource_attributes,
  mapConcat(light.scope_attributes, heavy.scope_attributes) AS scope_attributes,
  heavy.status_message AS status_message,
  heavy.events AS events,
  heavy.links AS links
FROM
(
  SELECT *
  FROM spans
  WHERE project = {project:String} AND trace_id >= {first:String} AND trace_id < {end:String}
    AND start_ns >= {since_ns:UInt64} AND start_ns < {until_ns:UInt64}
  ORDER BY trace_id, span_id, score DESC, received_ns
  LIMIT 1 BY trace_id, span_id
) AS light
LEFT JOIN
(
  SELECT *
  FROM span_contents
  WHERE project = {project:String} AND trace_id >= {first:String} AND trace_id < {end:String}
  LIMIT 1 BY trace_id, span_id, content_hash
) AS heavy
ON light.trace_id = heavy.trace_id AND light.span_id = heavy.span_id AND light.content_hash = heavy.content_hash
ORDER BY light.trace_id, light.span_id
