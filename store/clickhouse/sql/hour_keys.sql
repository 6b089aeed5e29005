-- What a roll-up table holds of some hours in one partition: what is no longer there must become nothing.
SELECT DISTINCT {columns}
FROM {table}
WHERE partition_day = {day:Date}
  AND ({every:Bool} OR (project, environment, workflow, intDiv(hour_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})
