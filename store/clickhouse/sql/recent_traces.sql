-- Traces that received evidence since a time. The day before is read too: a day is fixed at the door, not computed here.
SELECT DISTINCT project, trace_id
FROM facts
WHERE received_day >= {since_day:Date}
  AND received_ns >= {since_ns:UInt64}
  AND ({every:Bool} OR project = {project:String})
ORDER BY project, trace_id
