-- Whether a person allowed or changed a call: on its own step, or on another that names it; a part of other statements.
-- Without FINAL, which would read `data` of every step: the version tells old rows from new ones, and a set does not count.
(
  (s.run_id, s.version, s.ordinal) IN
  (
    SELECT run_id, version, ordinal
    FROM (SELECT run_id, version, ordinal, data FROM steps WHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND human_decided)
    WHERE arrayExists(d -> JSONExtractString(d, 'by') = 'human' AND JSONExtractString(d, 'verdict') IN ('allow', 'modify'), JSONExtractArrayRaw(data, 'decisions'))
  )
  OR (s.tool_call_id != '' AND (s.run_id, s.version, s.tool_call_id) IN
  (
    SELECT run_id, version, JSONExtractString(d, 'subject_ref')
    FROM (SELECT run_id, version, tool_call_id, data FROM steps WHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND human_decided)
    ARRAY JOIN JSONExtractArrayRaw(data, 'decisions') AS d
    WHERE JSONExtractString(d, 'subject_ref') != tool_call_id
      AND JSONExtractString(d, 'by') = 'human' AND JSONExtractString(d, 'verdict') IN ('allow', 'modify')
  ))
)
