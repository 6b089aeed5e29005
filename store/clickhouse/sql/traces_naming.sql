-- Traces of a project whose evidence, facts or runs hold one text, in any table; but for those of which
-- nothing was received until a moment. Keys are texts of the sender, too: they are redacted, and so searched, like values.
SELECT DISTINCT trace_id
FROM
(
  SELECT trace_id FROM spans
  WHERE project = {project:String} AND (position(name, {text:String}) > 0
    OR position(trace_state, {text:String}) > 0 OR position(resource_schema_url, {text:String}) > 0
    OR position(scope_name, {text:String}) > 0 OR position(scope_version, {text:String}) > 0
    OR position(scope_schema_url, {text:String}) > 0
    OR arrayExists(v -> position(v, {text:String}) > 0, arrayConcat(
      mapValues(attributes), mapKeys(attributes), mapValues(resource_attributes), mapKeys(resource_attributes),
      mapValues(scope_attributes), mapKeys(scope_attributes))))
  UNION ALL
  SELECT trace_id FROM span_contents
  WHERE project = {project:String} AND (position(events, {text:String}) > 0 OR position(links, {text:String}) > 0
    OR position(status_message, {text:String}) > 0
    OR arrayExists(v -> position(v, {text:String}) > 0, arrayConcat(
      mapValues(attributes), mapKeys(attributes), mapValues(resource_attributes), mapKeys(resource_attributes),
      mapValues(scope_attributes), mapKeys(scope_attributes))))
  UNION ALL
  SELECT trace_id FROM logs
  WHERE project = {project:String} AND (position(body, {text:String}) > 0
    OR position(event_name, {text:String}) > 0 OR position(severity_text, {text:String}) > 0
    OR position(resource_schema_url, {text:String}) > 0 OR position(scope_name, {text:String}) > 0
    OR position(scope_version, {text:String}) > 0 OR position(scope_schema_url, {text:String}) > 0
    OR arrayExists(v -> position(v, {text:String}) > 0, arrayConcat(
      mapValues(attributes), mapKeys(attributes), mapValues(resource_attributes), mapKeys(resource_attributes),
      mapValues(scope_attributes), mapKeys(scope_attributes))))
  UNION ALL
  SELECT trace_id FROM facts
  WHERE project = {project:String} AND (position(data, {text:String}) > 0 OR position(input_preview, {text:String}) > 0
    OR position(output_preview, {text:String}) > 0 OR position(error_message, {text:String}) > 0
    OR arrayExists(v -> position(v, {text:String}) > 0, shared_keys))
  UNION ALL
  SELECT arrayJoin(traces) AS trace_id FROM runs
  WHERE project = {project:String} AND (user_id = {text:String} OR position(data, {text:String}) > 0
    OR position(session_id, {text:String}) > 0 OR position(name, {text:String}) > 0
    OR position(service, {text:String}) > 0 OR position(environment, {text:String}) > 0
    OR position(workflow, {text:String}) > 0 OR position(workflow_version, {text:String}) > 0
    OR position(waiting_for, {text:String}) > 0
    OR position(input_preview, {text:String}) > 0 OR position(output_preview, {text:String}) > 0
    OR arrayExists(v -> position(v, {text:String}) > 0, arrayConcat(
      mapValues(attributes), mapKeys(attributes), agents, models, tools, tags, attempts, prompts, tool_sequence,
      mapKeys(tool_schemas), mapKeys(tool_outcomes), mapKeys(entities_by_tool))))
)
WHERE trace_id NOT IN
(
    SELECT trace_id FROM facts WHERE project = {project:String} GROUP BY trace_id HAVING min(received_ns) > {until_ns:UInt64}
)
ORDER BY trace_id
