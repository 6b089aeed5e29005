-- Whether a person allowed or changed a call: on its own step, or on another that names it; a part of other statements.
(
  arrayExists(d -> JSONExtractString(d, 'by') = 'human' AND JSONExtractString(d, 'verdict') IN ('allow', 'modify'), JSONExtractArrayRaw(s.data, 'decisions'))
  OR (s.tool_call_id != '' AND (s.run_id, s.version, s.tool_call_id) IN
  (
    SELECT run_id, version, JSONExtractString(d, 'subject_ref')
    FROM steps FINAL
    ARRAY JOIN JSONExtractArrayRaw(data, 'decisions') AS d
    WHERE project = {project:String} AND JSONExtractString(d, 'subject_ref') != tool_call_id AND position(data, '"decisions"') > 0
      AND JSONExtractString(d, 'by') = 'human' AND JSONExtractString(d, 'verdict') IN ('allow', 'modify')
  ))
)
