-- Parts that the engine set aside when it was opened, and whether the first and the last of what they were merged from is in use.
SELECT
    aside.table AS table,
    aside.name AS name,
    aside.partition_id AS partition_id,
    aside.min_block_number < aside.max_block_number
        AND countIf(used.min_block_number <= aside.min_block_number AND aside.min_block_number <= used.max_block_number) > 0
        AND countIf(used.min_block_number <= aside.max_block_number AND aside.max_block_number <= used.max_block_number) > 0
        AS is_replaced
FROM system.detached_parts AS aside
LEFT JOIN (SELECT * FROM system.parts WHERE active AND database = currentDatabase()) AS used
    ON used.table = aside.table AND used.partition_id = aside.partition_id
WHERE aside.database = currentDatabase() AND aside.reason = 'broken-on-start'
GROUP BY aside.table, aside.name, aside.partition_id, aside.min_block_number, aside.max_block_number
