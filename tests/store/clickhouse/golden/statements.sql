-- blank_previews
ALTER TABLE spans UPDATE a = '' IN PARTITION ID '20261120' WHERE a != ''

-- call_hours
SELECT
  {keys}
  sum(calls) AS sum_calls,
  sum(priced_calls) AS priced,
  sum(cost_usd) AS sum_cost_usd,
  sum(unpriced_calls) AS sum_unpriced_calls,
  sum(input_tokens) AS sum_input_tokens,
  sum(output_tokens) AS sum_output_tokens,
  sum(cache_read_tokens) AS sum_cache_read_tokens,
  sum(cache_write_tokens) AS sum_cache_write_tokens,
  sum(reasoning_tokens) AS sum_reasoning_tokens,
  sum(duration_ns) AS sum_duration_ns,
  sumMap(durations) AS sum_durations
FROM hourly_calls FINAL
WHERE project = {project:String}
{group}
HAVING sum(calls) + priced + sum(unpriced_calls) + sum(input_tokens) + sum(output_tokens) > 0
{order}

-- count_previews
SELECT count() AS previews
FROM spans
WHERE received_day = {day:Date} AND (a != '')

-- count_runs
SELECT uniqExact(run_id) AS runs
FROM runs
WHERE project = {project:String}

-- delete_project
ALTER TABLE spans DELETE WHERE project = {project:String}

-- drop_partition
ALTER TABLE spans DROP PARTITION ID '20261120'

-- find_runs
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, data
FROM runs FINAL
WHERE project = {project:String} AND run_id IN
(
  SELECT run_id
  FROM runs FINAL
  WHERE project = {project:String}
  ORDER BY started_ns DESC, run_id DESC
  LIMIT {limit:UInt32}
)
ORDER BY started_ns DESC, run_id DESC

-- fleet
SELECT
  workflow,
  environment,
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow') AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow') AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum,
  max(started_ns) AS newest_ns,
  quantileExactIf(0.95)(duration_ns, status != 'running') AS p95_duration_ns
FROM runs FINAL
WHERE project = {project:String}
GROUP BY workflow, environment
ORDER BY runs DESC, workflow, environment

-- hour_keys
SELECT DISTINCT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, data
FROM spans
WHERE partition_day = {day:Date}
  AND ({every:Bool} OR (project, environment, workflow, intDiv(hour_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})

-- hours
SELECT
  {keys}
  sum(runs) AS sum_runs,
  sumIf(runs, outcome = 'success' AND mode != 'shadow') AS sum_success,
  sumIf(runs, outcome = 'failure' AND mode != 'shadow') AS sum_failure,
  sumIf(runs, outcome = 'handed_off' AND mode != 'shadow') AS sum_handed_off,
  sumIf(runs, mode = 'shadow') AS sum_shadow,
  sumIf(runs, status = 'error') AS sum_error_runs,
  sum(priced_runs) AS priced,
  sum(ended_runs) AS sum_ended_runs,
  sum(waiting_runs) AS sum_waiting_runs,
  sum(denied_runs) AS sum_denied_runs,
  sum(cost_usd) AS sum_cost_usd,
  max(costliest_usd) AS sum_costliest_usd,
  sum(unpriced_calls) AS sum_unpriced_calls,
  sum(input_tokens) AS sum_input_tokens,
  sum(output_tokens) AS sum_output_tokens,
  sum(cache_read_tokens) AS sum_cache_read_tokens,
  sum(cache_write_tokens) AS sum_cache_write_tokens,
  sum(reasoning_tokens) AS sum_reasoning_tokens,
  sum(spans) AS sum_spans,
  sum(model_calls) AS sum_model_calls,
  sum(tool_calls) AS sum_tool_calls,
  sum(retrievals) AS sum_retrievals,
  sum(denials) AS sum_denials,
  sum(interventions) AS sum_interventions,
  sum(errors) AS sum_errors,
  sum(redactions) AS sum_redactions,
  sum(duration_ns) AS sum_duration_ns,
  sumMap(durations) AS sum_durations
FROM hourly_runs FINAL
WHERE project = {project:String}
{group}
HAVING sum(runs) > 0
{order}

-- hours_marked
SELECT project, environment, workflow, hour_ns, partition_day
FROM
(
  SELECT
    project,
    environment,
    workflow,
    hour_ns,
    partition_day,
    max(marked_ns) AS last_marked_ns,
    max(rolled_ns) AS last_rolled_ns
  FROM hour_marks
  GROUP BY project, environment, workflow, hour_ns, partition_day
)
WHERE last_marked_ns > last_rolled_ns

-- hours_of_calls
SELECT
  project,
  environment,
  workflow,
  hour_ns,
  workflow_version,
  mode,
  kind,
  if(kind = 'tool', '', provider) AS call_provider,
  if(kind = 'tool', tool_name, if(response_model != '', response_model, request_model)) AS call_name,
  if(kind = 'tool', tool_outcome, status) AS call_outcome,
  countIf(counted) AS sum_calls,
  countIf(own AND cost_usd IS NOT NULL) AS sum_priced_calls,
  ifNull(sumIf(cost_usd, own), 0) AS sum_cost_usd,
  countIf(own AND unpriced) AS sum_unpriced_calls,
  ifNull(sumIf(input_tokens, own), 0) AS sum_input_tokens,
  ifNull(sumIf(output_tokens, own), 0) AS sum_output_tokens,
  ifNull(sumIf(cache_read_tokens, own), 0) AS sum_cache_read_tokens,
  ifNull(sumIf(cache_write_tokens, own), 0) AS sum_cache_write_tokens,
  ifNull(sumIf(reasoning_tokens, own), 0) AS sum_reasoning_tokens,
  sumIf(took, counted) AS sum_duration_ns,
  sumMapIf(map({bucket}, toUInt64(1)), counted) AS sum_durations
FROM
(
  SELECT *, usage_role = 'own' AS own, toUInt64(least(greatest(duration_ns, 0), 2592000000000000)) AS took
  FROM steps FINAL
  WHERE partition_day = {day:Date}
    AND kind IN {kinds:Array(String)}
    AND (counted OR usage_role = 'own')
) AS step
INNER JOIN
(
  SELECT
    project,
    run_id,
    version,
    environment,
    workflow,
    workflow_version,
    mode,
    intDiv(started_ns, 3600000000000) * 3600000000000 AS hour_ns
  FROM runs FINAL
  WHERE partition_day = {day:Date}
    AND started_ns >= {first_ns:UInt64} AND started_ns < {end_ns:UInt64}
    AND ({every:Bool} OR (project, environment, workflow, intDiv(started_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})
) AS run
USING (project, run_id, version)
GROUP BY
  project, environment, workflow, hour_ns, workflow_version, mode, kind, call_provider, call_name, call_outcome

-- hours_of_runs
SELECT
  project,
  environment,
  workflow,
  intDiv(started_ns, 3600000000000) * 3600000000000 AS hour_ns,
  workflow_version,
  mode,
  shape,
  outcome,
  status,
  count() AS sum_runs,
  countIf(cost_usd IS NOT NULL) AS sum_priced_runs,
  countIf(status != 'running') AS sum_ended_runs,
  countIf(waiting_for != '') AS sum_waiting_runs,
  countIf(denials > 0) AS sum_denied_runs,
  ifNull(sum(cost_usd), 0) AS sum_cost_usd,
  ifNull(max(cost_usd), 0) AS sum_costliest_usd,
  sum(unpriced_calls) AS sum_unpriced_calls,
  ifNull(sum(input_tokens), 0) AS sum_input_tokens,
  ifNull(sum(output_tokens), 0) AS sum_output_tokens,
  ifNull(sum(cache_read_tokens), 0) AS sum_cache_read_tokens,
  ifNull(sum(cache_write_tokens), 0) AS sum_cache_write_tokens,
  ifNull(sum(reasoning_tokens), 0) AS sum_reasoning_tokens,
  sum(span_count) AS sum_spans,
  sum(model_calls) AS sum_model_calls,
  sum(tool_calls) AS sum_tool_calls,
  sum(retrievals) AS sum_retrievals,
  sum(denials) AS sum_denials,
  sum(interventions) AS sum_interventions,
  sum(errors) AS sum_errors,
  sum(redactions) AS sum_redactions,
  sumIf(took, status != 'running') AS sum_duration_ns,
  sumMapIf(map({bucket}, toUInt64(1)), status != 'running') AS sum_durations
FROM
(
  SELECT *, toUInt64(least(greatest(duration_ns, 0), 2592000000000000)) AS took
  FROM runs FINAL
  WHERE partition_day = {day:Date}
    AND started_ns >= {first_ns:UInt64} AND started_ns < {end_ns:UInt64}
    AND ({every:Bool} OR (project, environment, workflow, intDiv(started_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})
)
GROUP BY project, environment, workflow, hour_ns, workflow_version, mode, shape, outcome, status

-- partition_rows
SELECT table, sum(rows) AS rows
FROM system.parts
WHERE active AND database = currentDatabase() AND partition_id = {partition:String}
GROUP BY table

-- projects
SELECT DISTINCT project
FROM runs
ORDER BY project

-- range
SELECT count() AS runs, min(started_ns) AS first_ns, max(started_ns) AS last_ns
FROM runs FINAL
WHERE project = {project:String}

-- read_contents
SELECT project, trace_id, span_id, received_day, score, content_hash, status_message, attributes, resource_attributes, scope_attributes, events, links
FROM span_contents
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({span_id:String} = '' OR span_id = {span_id:String})

-- read_facts
SELECT project, trace_id, span_id, source, content_hash, received_day, received_ns, shared_keys, input_preview, output_preview, error_message, data, score
FROM facts
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}

-- read_logs
SELECT trace_id, span_id, log_id, time_ns, observed_ns, severity_number, severity_text, event_name, body, project, received_day, received_ns, segment, slot, position, redaction, fingerprint, notes, flags, dropped_attributes, marks, attributes, resource_attributes, resource_dropped, resource_schema_url, scope_name, scope_version, scope_attributes, scope_dropped, scope_schema_url
FROM logs
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({span_id:String} = '' OR span_id = {span_id:String})

-- read_run
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, data
FROM runs FINAL
WHERE project = {project:String} AND run_id = {run_id:String}

-- read_run_of_trace
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, data
FROM runs FINAL
WHERE project = {project:String} AND has(traces, {trace_id:String})
ORDER BY started_ns DESC, run_id DESC
LIMIT 1

-- read_spans
SELECT trace_id, span_id, score, content_hash, has_contents, parent_span_id, name, kind, start_ns, end_ns, status_code, trace_state, dropped_events, dropped_links, project, received_day, received_ns, segment, slot, position, redaction, fingerprint, notes, flags, dropped_attributes, marks, attributes, resource_attributes, resource_dropped, resource_schema_url, scope_name, scope_version, scope_attributes, scope_dropped, scope_schema_url
FROM spans
WHERE project = {project:String} AND trace_id = {trace_id:String}
  AND ({span_id:String} = '' OR span_id = {span_id:String})

-- read_steps
SELECT run_id, ordinal, trace_id, span_id, parent_span_id, kind, name, start_ns, duration_ns, status, provider, request_model, response_model, usage_role, unpriced, tool_name, tool_call_id, tool_arguments_hash, tool_repeat_hash, tool_idempotency, tool_outcome, counted, agent_name, prompt_hash, error_message, data
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String} AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal

-- recent_items
SELECT project, trace_id, span_id AS item, segment, slot
FROM spans
WHERE received_day >= {since_day:Date}
  AND received_ns >= {since_ns:UInt64}
ORDER BY received_ns DESC
LIMIT {item_limit:UInt32}

-- recent_traces
SELECT DISTINCT project, trace_id
FROM facts
WHERE received_day >= {since_day:Date}
  AND received_ns >= {since_ns:UInt64}
  AND ({every:Bool} OR project = {project:String})
ORDER BY project, trace_id

-- schema_applied
INSERT INTO schema_version (version, name) VALUES ({version:UInt32}, {name:String})

-- schema_create
CREATE TABLE IF NOT EXISTS schema_version
(
    version UInt32,
    name String,
    applied_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1

-- schema_versions
SELECT max(version) AS version
FROM schema_version

-- series
SELECT
  least(intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}), {bucket_count:UInt64} - 1) AS bucket,
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow') AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow') AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum
FROM runs FINAL
WHERE project = {project:String}
GROUP BY bucket
ORDER BY bucket

-- sticky_days
SELECT
  project,
  run_id,
  min(partition_day) AS day,
  argMax((environment, workflow, started_ns), version) AS summed_in
FROM runs
WHERE (project, run_id) IN {keys:Array(Tuple(String, String))}
GROUP BY project, run_id

-- stored_bytes
SELECT table, sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = currentDatabase()
GROUP BY table
ORDER BY table

-- stored_days
SELECT DISTINCT partition_id
FROM system.parts
WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)}
ORDER BY partition_id

-- totals
SELECT
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow') AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow') AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum
FROM runs FINAL
WHERE project = {project:String}

-- traces_sharing
SELECT DISTINCT trace_id
FROM facts
WHERE project = {project:String} AND hasAny(shared_keys, {keys:Array(String)})

-- values
SELECT value, count() AS runs
FROM runs FINAL
ARRAY JOIN tools AS value
WHERE project = {project:String} AND value != ''
GROUP BY value
ORDER BY runs DESC, value
LIMIT {value_limit:UInt32}

-- every filter
project = {project:String}
  AND started_ns >= {since_ns:UInt64}
  AND started_ns < {until_ns:UInt64}
  AND environment = {environment:String}
  AND workflow = {workflow:String}
  AND workflow_version = {version:String}
  AND service = {service:String}
  AND mode = {mode:String}
  AND status = {status:String}
  AND outcome = {outcome:String}
  AND session_id = {session:String}
  AND user_id = {user:String}
  AND has(agents, {agent:String})
  AND has(models, {model:String})
  AND has(tools, {tool:String})
  AND has(tags, {tag:String})
  AND shape IN {shape:Array(String)}
  AND denials > 0
  AND waiting_for = ''
  AND mapContains(attributes, {attribute_0:String}) AND attributes[{attribute_0:String}] = {attribute_value_0:String}
  AND mapContains(attributes, {attribute_1:String}) AND attributes[{attribute_1:String}] = {attribute_value_1:String}
  AND cost_usd >= {min_cost:Decimal(38, 12)}
  AND (positionCaseInsensitiveUTF8(name, {text:String}) > 0 OR positionCaseInsensitiveUTF8(workflow, {text:String}) > 0 OR positionCaseInsensitiveUTF8(input_preview, {text:String}) > 0 OR positionCaseInsensitiveUTF8(output_preview, {text:String}) > 0 OR run_id IN (SELECT trace_id FROM spans WHERE project = {project:String} AND (arrayExists(v -> multiSearchAnyCaseInsensitiveUTF8(v, {needles:Array(String)}), mapValues(attributes)))) OR run_id IN (SELECT trace_id FROM span_contents WHERE project = {project:String} AND (multiSearchAnyCaseInsensitiveUTF8(status_message, {needles:Array(String)}) OR multiSearchAnyCaseInsensitiveUTF8(events, {needles:Array(String)}) OR arrayExists(v -> multiSearchAnyCaseInsensitiveUTF8(v, {needles:Array(String)}), mapValues(attributes)))) OR run_id IN (SELECT trace_id FROM logs WHERE project = {project:String} AND (multiSearchAnyCaseInsensitiveUTF8(body, {needles:Array(String)}) OR arrayExists(v -> multiSearchAnyCaseInsensitiveUTF8(v, {needles:Array(String)}), mapValues(attributes)))))
  AND (started_ns, run_id) < ({cursor_ns:UInt64}, {cursor_id:String})
