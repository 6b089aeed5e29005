-- Items of some traces in one table; one that stands there twice (sent again, or assembled again and not merged yet) is one.
SELECT uniqExact({key}) AS items
FROM {table}
WHERE project = {project:String} AND {id} IN {ids:Array(String)}
