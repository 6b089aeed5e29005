-- Whether a person allowed or changed a call: on its own step, or on another that names it; a part of other statements.
(
  (position(s.data, '"decisions"') > 0 AND arrayExists(d -> JSONExtractString(d, 'by') = 'human' AND JSONExtractString(d, 'verdict') IN ('allow', 'modify'), JSONExtractArrayRaw(s.data, 'decisions')))
  OR (s.tool_call_id != '' AND (s.run_id, s.version, s.tool_call_id) IN
  (
    SELECT run_id, version, JSONExtractString(d, 'subject_ref')
    FROM
    (
      SELECT run_id, version, tool_call_id, data
      FROM steps FINAL
      WHERE project = {project:String} AND position(data, '"human"') > 0
    )
    ARRAY JOIN JSONExtractArrayRaw(data, 'decisions') AS d
    WHERE JSONExtractString(d, 'subject_ref') != tool_call_id
      AND JSONExtractString(d, 'by') = 'human' AND JSONExtractString(d, 'verdict') IN ('allow', 'modify')
  ))
)
