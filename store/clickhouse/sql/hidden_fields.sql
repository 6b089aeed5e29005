-- Values hidden per entity, field and service; the field is what `store.privacy.field_of` makes of a note's path.
WITH splitByChar('/', note[1]) AS parts
SELECT
    note[2] AS entity,
    replaceAll(replaceAll(multiIf(
        parts[2] = 'attributes', parts[3],
        parts[2] IN ('resource', 'scope') AND parts[3] = 'attributes', concat(parts[2], ' ', parts[4]),
        parts[2] IN ('events', 'links') AND parts[4] = 'attributes', concat(substring(parts[2], 1, length(parts[2]) - 1), ' ', parts[5]),
        parts[2] IN ('events', 'links'), concat(substring(parts[2], 1, length(parts[2]) - 1), ' ', parts[4]),
        parts[2] IN ('resource', 'scope', 'status') AND length(parts) > 2, concat(parts[2], ' ', parts[3]),
        parts[2]), '~1', '/'), '~0', '~') AS field,
    JSONExtractString(concat('[', resource_attributes['service.name'], ']'), 1) AS service,
    count() AS found
FROM {table}
ARRAY JOIN JSONExtract(notes, 'Array(Array(String))') AS note
WHERE project = {project:String} AND received_day BETWEEN {since_day:Date} AND {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns < {until_ns:UInt64} AND notes != '[]'
GROUP BY entity, field, service
ORDER BY found DESC, entity, field, service
LIMIT 2000
