-- active_parts
SELECT table, name, path
FROM system.parts
WHERE active AND database = currentDatabase()

-- active_parts_of
SELECT table, name, path
FROM system.parts
WHERE active AND database = currentDatabase() AND table = {table:String}

-- attach_part
ALTER TABLE spans ATTACH PART '{part}'

-- attempt_groups
SELECT
  environment,
  workflow,
  JSONExtractString(attempt, 'kind') AS attempt_kind,
  JSONExtractString(attempt, 'reason') AS attempt_reason,
  JSONExtractString(attempt, 'level') AS attempt_level,
  JSONExtractString(attempt, 'tool') AS attempt_tool,
  JSONExtractString(attempt, 'rule') AS attempt_rule,
  JSONExtractString(attempt, 'shape') AS attempt_shape,
  argMaxIf(JSONExtractString(attempt, 'harm'), (at_ns, run_id), inside) AS newest_harm,
  countIf(inside) AS attempts_inside,
  uniqExactIf(run_id, inside) AS runs_inside,
  countIf(NOT inside) AS attempts_before,
  sumMapIf(map(JSONExtractString(attempt, 'followed'), toUInt64(1)), inside) AS followed_by,
  sumMapIf(map(JSONExtractString(attempt, 'grade'), toUInt64(1)), inside) AS by_grade,
  arraySort(groupUniqArrayIf(5)(workflow_version, inside AND workflow_version != '')) AS versions,
  arraySum(mapValues(maxMapIf(map(run_id, ifNull(cost_usd, 0)), inside))) AS runs_cost_usd,
  min(at_ns) AS first_at_ns,
  maxIf(at_ns, inside) AS last_at_ns,
  argMaxIf(run_id, (at_ns, run_id), inside) AS newest_run,
  argMaxIf(JSONExtractString(attempt, 'span_id'), (at_ns, run_id), inside) AS newest_span
FROM
(
  SELECT
    environment, workflow, workflow_version, run_id, cost_usd, attempt,
    started_ns >= {since_ns:UInt64} AS inside,
    JSONExtractUInt(attempt, 'at_ns') AS at_ns
  FROM runs FINAL
  ARRAY JOIN attempts AS attempt
  WHERE project = {project:String} AND partition_day >= {since_day:Date}
    AND started_ns >= {before_ns:UInt64} AND started_ns < {until_ns:UInt64}
    AND notEmpty(attempts)
    AND 1
)
GROUP BY environment, workflow, attempt_kind, attempt_reason, attempt_level, attempt_tool, attempt_rule, attempt_shape
HAVING attempts_inside > 0
ORDER BY attempts_inside DESC, workflow, attempt_tool, attempt_rule, attempt_shape
LIMIT {most:UInt32}

-- attempt_rows
SELECT
  run_id,
  environment,
  workflow,
  workflow_version,
  outcome,
  cost_usd,
  attempt,
  JSONExtractUInt(attempt, 'at_ns') AS at_ns
FROM runs FINAL
ARRAY JOIN attempts AS attempt
WHERE project = {project:String} AND partition_day >= {since_day:Date}
  AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
  AND notEmpty(attempts)
  AND 1
ORDER BY at_ns DESC, run_id, JSONExtractString(attempt, 'span_id')
LIMIT {most:UInt32}

-- blank_previews
ALTER TABLE spans UPDATE a = '' IN PARTITION ID '20261120'
WHERE (a != '') AND (project, {id}) NOT IN (SELECT project, {id} FROM survivors)

-- blind_workflows
SELECT workflow
FROM runs FINAL
WHERE partition_day >= {since_day:Date} AND project = {project:String} AND workflow != '' AND model_calls + tool_calls > 0
GROUP BY workflow
HAVING countIf(input_preview != '' OR output_preview != '') = 0
ORDER BY count() DESC, workflow
LIMIT 100

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
started_ns DESC, run_id DESC

-- count_day
SELECT count() AS rows, countIf((project, {id}) IN (SELECT project, {id} FROM survivors)) AS staying
FROM spans
WHERE received_day = {day:Date}

-- count_previews
SELECT count() AS previews
FROM spans
WHERE received_day = {day:Date} AND (a != '') AND (project, {id}) NOT IN (SELECT project, {id} FROM survivors)

-- count_runs
SELECT uniqExact(run_id) AS runs
FROM runs
WHERE project = {project:String}

-- count_traces
SELECT uniqExact({key}) AS items
FROM spans
WHERE project = {project:String} AND {id} IN {ids:Array(String)}

-- day_bytes
SELECT sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = currentDatabase() AND partition_id = {partition:String}

-- delete_project
ALTER TABLE spans DELETE WHERE project = {project:String}

-- delete_traces
ALTER TABLE spans DELETE WHERE project = {project:String} AND {id} IN {ids:Array(String)}

-- drop_partition
ALTER TABLE spans DROP PARTITION ID '20261120'

-- drop_set_aside
ALTER TABLE spans DROP DETACHED PART '{part}' SETTINGS allow_drop_detached = 1

-- economics
SELECT
  value,
  environment,
  count() AS runs,
  countIf(is_last_part) AS jobs,
  countIf(outcome = 'success' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND is_last_part) AS failures,
  countIf(outcome = 'handed_off' AND is_last_part) AS handed_offs,
  countIf(status = 'error') AS error_runs,
  countIf(interventions > 0) AS intervened_runs,
  sum(interventions) AS interventions_sum,
  sum(cost_usd) AS cost_usd_sum,
  ifNull(sumIf(cost_usd, outcome = 'failure' AND is_last_part), 0) AS failed_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  sum(ifNull(toFloat64(cost_usd), 0) * ifNull(toFloat64(cost_usd), 0)) AS cost_squares,
  ifNull(sumIf(toFloat64(cost_usd), outcome = 'success' AND is_last_part), 0) AS cost_of_success,
  sumMap(tool_outcomes) AS outcomes,
  toInt64(ifNotFinite(quantileTDigestIf(0.95)(duration_ns, status != 'running'), 0)) AS p95_duration_ns,
  max(started_ns) AS newest_ns
FROM runs FINAL
ARRAY JOIN tools AS value
WHERE partition_day >= {since_day:Date} AND project = {project:String} AND mode != 'shadow'
GROUP BY value, environment
ORDER BY ifNull(cost_usd_sum, 0) DESC, runs DESC, value, environment
LIMIT 1000

-- every_column
SELECT table, name
FROM system.columns
WHERE database = currentDatabase() AND default_kind != 'ALIAS'
ORDER BY table, position

-- export_count
SELECT count() AS rows
FROM spans
WHERE project = {project:String}

-- export_logs
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM logs
WHERE project = {project:String} AND trace_id >= {first:String} AND trace_id < {end:String}
  AND time_ns >= {since_ns:UInt64} AND time_ns < {until_ns:UInt64}
ORDER BY trace_id, log_id, received_ns
LIMIT 1 BY trace_id, log_id

-- export_runs
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM runs FINAL
WHERE project = {project:String} AND run_id >= {first:String} AND run_id < {end:String}
  AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
ORDER BY run_id

-- export_spans
SELECT
  project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data,
  mapConcat(light.attributes, heavy.attributes) AS attributes,
  mapConcat(light.resource_attributes, heavy.resource_attributes) AS resource_attributes,
  mapConcat(light.scope_attributes, heavy.scope_attributes) AS scope_attributes,
  heavy.status_message AS status_message,
  heavy.events AS events,
  heavy.links AS links
FROM
(
  SELECT *
  FROM spans
  WHERE project = {project:String} AND trace_id >= {first:String} AND trace_id < {end:String}
    AND start_ns >= {since_ns:UInt64} AND start_ns < {until_ns:UInt64}
  ORDER BY trace_id, span_id, score DESC, received_ns
  LIMIT 1 BY trace_id, span_id
) AS light
LEFT JOIN
(
  SELECT *
  FROM span_contents
  WHERE project = {project:String} AND trace_id >= {first:String} AND trace_id < {end:String}
  LIMIT 1 BY trace_id, span_id, content_hash
) AS heavy
ON light.trace_id = heavy.trace_id AND light.span_id = heavy.span_id AND light.content_hash = heavy.content_hash
ORDER BY light.trace_id, light.span_id

-- export_steps
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM steps FINAL
WHERE project = {project:String} AND run_id >= {first:String} AND run_id < {end:String}
  AND (run_id, version) IN
  (
    SELECT run_id, version
    FROM runs FINAL
    WHERE project = {project:String} AND run_id >= {first:String} AND run_id < {end:String}
      AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
  )
ORDER BY run_id, ordinal

-- find_run_ids
SELECT run_id, partition_day
FROM runs FINAL
WHERE project = {project:String}
ORDER BY started_ns DESC, run_id DESC
LIMIT {limit:UInt32}

-- fleet
SELECT
  workflow,
  environment,
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow' AND is_last_part) AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  countIf(mode = 'shadow' OR NOT is_last_part) AS beside_sum,
  ifNull(sumIf(cost_usd, mode = 'shadow'), 0) AS shadow_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum,
  max(started_ns) AS newest_ns,
  quantileExactIf(0.95)(duration_ns, status != 'running') AS p95_duration_ns
FROM runs FINAL
WHERE project = {project:String}
GROUP BY workflow, environment
ORDER BY runs DESC, workflow, environment

-- freeze_table
ALTER TABLE spans FREEZE WITH NAME '{label}'

-- groups
SELECT
  value,
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow' AND is_last_part) AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  countIf(mode = 'shadow' OR NOT is_last_part) AS beside_sum,
  ifNull(sumIf(cost_usd, mode = 'shadow'), 0) AS shadow_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum,
  max(started_ns) AS newest_ns
FROM runs FINAL
ARRAY JOIN tools AS value
WHERE project = {project:String} AND value != ''
GROUP BY value
ORDER BY started_ns DESC, run_id DESC
LIMIT {group_limit:UInt32}

-- hidden_fields
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
FROM spans
ARRAY JOIN JSONExtract(notes, 'Array(Array(String))') AS note
WHERE project = {project:String} AND received_day BETWEEN {since_day:Date} AND {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns < {until_ns:UInt64} AND notes != '[]'
GROUP BY entity, field, service
ORDER BY found DESC, entity, field, service
LIMIT 2000

-- hidden_in_time
SELECT intDiv(received_ns, {width_ns:UInt64}) * {width_ns:UInt64} AS begin_ns, note[2] AS entity, count() AS found
FROM spans
ARRAY JOIN JSONExtract(notes, 'Array(Array(String))') AS note
WHERE project = {project:String} AND received_day BETWEEN {since_day:Date} AND {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns < {until_ns:UInt64} AND notes != '[]'
GROUP BY begin_ns, entity

-- hour_keys
SELECT DISTINCT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM spans
WHERE partition_day = {day:Date}
  AND ({every:Bool} OR (project, environment, workflow, intDiv(hour_ns, 3600000000000)) IN {units:Array(Tuple(String, String, String, UInt64))})

-- hours
SELECT
  {keys}
  sum(runs) AS sum_runs,
  sumIf(jobs, outcome = 'success' AND mode != 'shadow') AS sum_success,
  sumIf(jobs, outcome = 'failure' AND mode != 'shadow') AS sum_failure,
  sumIf(jobs, outcome = 'handed_off' AND mode != 'shadow') AS sum_handed_off,
  sumIf(runs, mode = 'shadow') AS sum_shadow,
  sumIf(runs, status = 'error') AS sum_error_runs,
  sum(priced_runs) AS priced,
  sum(ended_runs) AS sum_ended_runs,
  sum(waiting_runs) AS sum_waiting_runs,
  sum(denied_runs) AS sum_denied_runs,
  sumIf(jobs, mode != 'shadow') AS sum_jobs,
  sum(intervened_runs) AS sum_intervened_runs,
  sumIf(jobs_usd, outcome = 'failure' AND mode != 'shadow') AS sum_failed_usd,
  sumMap(tool_outcomes) AS sum_tool_outcomes,
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
started_ns DESC, run_id DESC

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
  countIf(is_last_part) AS sum_jobs,
  ifNull(sumIf(cost_usd, is_last_part), 0) AS sum_jobs_usd,
  countIf(interventions > 0) AS sum_intervened_runs,
  sumMap(CAST(tool_outcomes, 'Map(String, UInt64)')) AS sum_tool_outcomes,
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

-- job_ends
SELECT run_id, outcome, if(is_last_part, '', JSONExtractString(data, 'continued_by')) AS next
FROM runs FINAL
WHERE project = {project:String} AND run_id IN {run_ids:Array(String)} AND mode != 'shadow'

-- job_parts
SELECT value, environment, JSONExtractString(data, 'continued_by') AS next, sum(cost_usd) AS usd
FROM runs FINAL
ARRAY JOIN tools AS value
WHERE partition_day >= {since_day:Date} AND project = {project:String}
  AND run_id IN
  (
    SELECT run_id
    FROM runs FINAL
    WHERE partition_day >= {since_day:Date} AND project = {project:String} AND mode != 'shadow' AND NOT is_last_part AND cost_usd > 0
  )
GROUP BY value, environment, next
ORDER BY usd DESC, next, value, environment
LIMIT {most:UInt32}

-- mark_day
SELECT DISTINCT project, environment, workflow, hour_ns
FROM hourly_runs
WHERE partition_day = {day:Date}

-- mark_erased
INSERT INTO gone_traces (trace_hash, reason, gone_ns)
SELECT sipHash64({project:String}, arrayJoin({trace_ids:Array(String)})), 'erased', {now_ns:UInt64}

-- mark_gone
INSERT INTO gone_traces (trace_hash, reason, gone_ns)
SELECT DISTINCT sipHash64(project, trace_id), {reason:String}, {now_ns:UInt64}
FROM facts
WHERE received_day = {day:Date} AND (project, trace_id) NOT IN (SELECT project, trace_id FROM survivors)

-- measure_activity
SELECT
  workflow,
  environment,
  count() AS runs,
  min(started_ns) AS first_ns,
  countIf(started_ns >= {day_ns:UInt64}) AS day_runs,
  countIf(started_ns >= {three_day_ns:UInt64}) AS three_day_runs,
  arrayReverseSort(groupArrayIf(started_ns, started_ns >= {three_day_ns:UInt64}))[30] AS thirtieth_ns
FROM runs FINAL
WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {at_ns:UInt64}
  AND mode != 'shadow' AND status != 'running'
GROUP BY workflow, environment
ORDER BY workflow, environment

-- measure_examples
SELECT run_id, measured
FROM (SELECT run_id, g, {value} AS measured FROM ({groups}))
WHERE (g = -1) = {current:Bool} AND measured IS NOT NULL
ORDER BY if({by_size:Bool}, -assumeNotNull(measured), abs(assumeNotNull(measured) - {near:Float64})), run_id
LIMIT {limit:UInt32}

-- measure_groups
SELECT
  c.1 AS i,
  if(
    started_ns >= c.4 AND started_ns < c.5 AND (c.8 = '\0' OR workflow_version = c.8) AND (c.10 = '' OR has(models, c.10)),
    toInt32(-1),
    toInt32(intDiv(c.7 - 1 - started_ns, 86400000000000))
  ) AS g,
  (toDayOfWeek(toDateTime(intDiv(started_ns, 1000000000) + c.12, 'UTC')) >= 6) * 4
    + intDiv(toHour(toDateTime(intDiv(started_ns, 1000000000) + c.12, 'UTC')), 6) AS stratum,
  run_id,
  started_ns,
  measure_names,
  measure_values,
  measure_flags,
  tool_sequence,
  outcome,
  is_last_part
FROM
(
  SELECT
    workflow, environment, workflow_version, models, started_ns, run_id, outcome, is_last_part,
    measure_names, measure_values, measure_flags, tool_sequence
  FROM runs FINAL
  WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64}
    AND mode != 'shadow' AND status != 'running' AND workflow IN {workflow:Array(String)}
) AS r
INNER JOIN
(
  SELECT
    arrayJoin(arrayZip(
      {number:Array(UInt32)}, {workflow:Array(String)}, {environment:Array(String)},
      {current_since:Array(UInt64)}, {current_until:Array(UInt64)},
      {reference_since:Array(UInt64)}, {reference_until:Array(UInt64)},
      {current_version:Array(String)}, {reference_version:Array(String)},
      {current_model:Array(String)}, {keep:Array(UInt32)},
      {utc_offset:Array(Int32)}
    )) AS c,
    c.2 AS workflow,
    c.3 AS environment
) AS w USING (workflow, environment)
WHERE (
    (started_ns >= c.4 AND started_ns < c.5 AND (c.8 = '\0' OR workflow_version = c.8) AND (c.10 = '' OR has(models, c.10)))
    OR (started_ns >= c.6 AND started_ns < c.7 AND (c.9 = '\0' OR workflow_version = c.9))
  )
  AND cityHash64(run_id) % 1000 < c.11

-- measure_labels
SELECT
  workflow,
  environment,
  label,
  sum(held) AS runs,
  min(begins_ns) AS first_ns,
  max(ends_ns) AS last_ns
FROM (
  SELECT workflow, environment, {held} AS holds, count() AS held, min(started_ns) AS begins_ns, max(started_ns) AS ends_ns
  FROM runs FINAL
  WHERE project = {project:String} AND started_ns >= {since_ns:UInt64} AND started_ns < {at_ns:UInt64} AND mode != 'shadow'
  GROUP BY workflow, environment, holds
)
ARRAY JOIN {labels} AS label
WHERE label != ''
GROUP BY workflow, environment, label
ORDER BY workflow, environment, first_ns, label

-- measure_looped
SELECT workflow, environment, run_id, started_ns, tool_sequence, has(measure_flags, 'loop') AS is_row, tool_calls AS calls, toFloat64(usual) AS usual_calls, seen AS seen_runs
FROM runs AS r FINAL
LEFT JOIN
(
  SELECT workflow, environment, quantileExactInclusive(0.99)(tool_calls) AS usual, count() AS seen
  FROM runs FINAL
  WHERE project = {project:String} AND started_ns >= {usual_ns:UInt64} AND started_ns + greatest(duration_ns, 0) < {since_ns:UInt64}
    AND mode != 'shadow' AND status != 'running'
  GROUP BY workflow, environment
) AS u USING (workflow, environment)
WHERE project = {project:String} AND started_ns >= {oldest_ns:UInt64} AND started_ns < {until_ns:UInt64}
  AND started_ns + greatest(duration_ns, 0) >= {since_ns:UInt64} AND mode != 'shadow'
  AND (is_row OR (seen >= {least:UInt32} AND calls > {times:Float64} * greatest(1, usual)))
ORDER BY started_ns, run_id
LIMIT {limit:UInt32}

-- measure_numbers
SELECT
  i,
  f,
  sumIf(w * (u - n0 * n1 / 2), c = -1) / sqrt(sumIf(w * w * n0 * n1 * (n0 + n1 + 1) / 12 * tie, c = -1)) AS z,
  sumIf(u / n0, c = -1) / sumIf(n1, c = -1) - 0.5 AS shift,
  toUInt64(sumIf(n1, c = -1)) AS current_runs,
  toUInt64(sumIf(n0, c = -1)) AS reference_runs,
  any(before) AS before_median,
  any(after) AS after_median,
  sumMap([c], [w * (u - n0 * n1 / 2)]) AS excesses,
  sumMap([c], [w * w * n0 * n1 * (n0 + n1 + 1) / 12 * tie]) AS variances
FROM
(
  SELECT
    i,
    f,
    before,
    after,
    test.1 AS c,
    test.2 AS n1,
    test.3 AS n0,
    test.4 - n1 * (n1 + 1) / 2 AS u,
    test.5 AS tie,
    1 / (n1 + n0 + 1) AS w
  FROM
  (
    SELECT
      i,
      f,
      before,
      after,
      arraySort((v, g) -> v, one.1, one.2) AS vs,
      arraySort((g, v) -> v, one.2, one.1) AS gs,
      arrayFilter((v, g) -> g >= 0, vs, gs) AS old_vs,
      arrayFilter(g -> g >= 0, gs) AS old_gs,
      arrayEnumerateUniq(vs) AS ties,
      arrayEnumerateUniq(old_vs) AS old_ties,
      arrayMap((k, up, down) -> k + (toFloat64(down) - up) / 2, arrayEnumerate(vs), ties, arrayReverse(arrayEnumerateUniq(arrayReverse(vs)))) AS ranks,
      arrayMap((k, up, down) -> k + (toFloat64(down) - up) / 2, arrayEnumerate(old_vs), old_ties, arrayReverse(arrayEnumerateUniq(arrayReverse(old_vs)))) AS old_ranks,
      1 - arraySum(k -> 3. * k * k - 3. * k, old_ties) / (pow(toFloat64(length(old_vs)), 3) - length(old_vs)) AS old_tie,
      arrayJoin(arrayConcat(
        [(
          toInt32(-1),
          toFloat64(length(gs) - length(old_gs)),
          toFloat64(length(old_gs)),
          arraySum((r, g) -> if(g = -1, r, 0.), ranks, gs),
          1 - arraySum(k -> 3. * k * k - 3. * k, ties) / (pow(toFloat64(length(vs)), 3) - length(vs))
        )],
        arrayMap(
          d -> (
            d,
            toFloat64(countEqual(old_gs, d)),
            toFloat64(length(old_gs) - countEqual(old_gs, d)),
            arraySum((r, g) -> if(g = d, r, 0.), old_ranks, old_gs),
            old_tie
          ),
          arrayDistinct(old_gs)
        )
      )) AS test
    FROM
    (
      SELECT
        i,
        f,
        arrayReduce('quantileExactInclusive(0.5)', arrayFlatten(arrayMap(x -> arrayFilter((v, g) -> g >= 0, x.1, x.2), strata))) AS before,
        arrayReduce('quantileExactInclusive(0.5)', arrayFlatten(arrayMap(x -> arrayFilter((v, g) -> g = -1, x.1, x.2), strata))) AS after,
        arrayJoin(strata) AS one
    FROM
    (
      SELECT i, f, groupArray((vs, gs)) AS strata
      FROM
      (
        SELECT i, f, stratum, groupArray(v) AS vs, groupArray(g) AS gs
        FROM
        (
          SELECT i, g, stratum, f, v
          FROM ({groups}) ARRAY JOIN measure_names AS f, measure_values AS v
        )
        GROUP BY i, f, stratum
      )
      GROUP BY i, f
    )
    )
  )
  WHERE n1 >= 1 AND n0 >= 3
)
GROUP BY i, f
HAVING isFinite(z)
ORDER BY i, f

-- measure_rates
SELECT
  i,
  f,
  sumIf(excess, c = -1) AS excess_current,
  sumIf(variance, c = -1) AS variance_current,
  toUInt64(sumIf(n1, c = -1)) AS current_runs,
  toUInt64(sumIf(n0, c = -1)) AS reference_runs,
  sumIf(k1, c = -1) AS current_yes,
  sumIf(k0, c = -1) AS reference_yes,
  sumMap([c], [excess]) AS excesses,
  sumMap([c], [variance]) AS variances
FROM
(
  SELECT
    i,
    f,
    test.1 AS c,
    test.2 AS n1,
    test.3 AS k1,
    test.4 AS n0,
    test.5 AS k0,
    k1 - n1 * (k1 + k0) / (n1 + n0) AS excess,
    n1 * n0 * (k1 + k0) * (n1 + n0 - k1 - k0) / ((n1 + n0) * (n1 + n0) * (n1 + n0 - 1)) AS variance
  FROM
  (
    SELECT
      i,
      f,
      stratum,
      groupArrayIf((g, n, y), g >= 0) AS old,
      sumIf(n, g >= 0) AS old_n,
      sumIf(y, g >= 0) AS old_y,
      arrayJoin(arrayConcat(
        [(toInt32(-1), toFloat64(sumIf(n, g = -1)), toFloat64(sumIf(y, g = -1)), toFloat64(old_n), toFloat64(old_y))],
        arrayMap(x -> (x.1, toFloat64(x.2), toFloat64(x.3), toFloat64(old_n - x.2), toFloat64(old_y - x.3)), old)
      )) AS test
    FROM
    (
      SELECT i, f, cell.1 AS stratum, cell.2 AS g, cell.3 AS n, cell.4 AS y
      FROM
      (
        SELECT
          i,
          f,
          arrayJoin(arrayMap(t -> (t.1, t.2, t.3, arrayFirst(x -> x.1 = t.1 AND x.2 = t.2, said).3), every)) AS cell
        FROM
        (
          SELECT i, f, groupArray((stratum, g, yes)) AS said
          FROM
          (
            SELECT i, f, stratum, g, count() AS yes
            FROM ({groups}) ARRAY JOIN measure_flags AS f
            GROUP BY i, f, stratum, g
          )
          GROUP BY i, f
          HAVING sum(yes) >= 3
        ) AS features
        INNER JOIN
        (
          SELECT i, groupArray((stratum, g, runs)) AS every
          FROM (SELECT i, stratum, g, count() AS runs FROM ({groups}) GROUP BY i, stratum, g)
          GROUP BY i
        ) AS totals USING (i)
      )
    )
    GROUP BY i, f, stratum
  )
  WHERE n1 >= 1 AND n0 >= 3
)
GROUP BY i, f
HAVING variance_current > 0
ORDER BY i, f

-- measure_reach
SELECT
  count() AS run_count,
  uniqExactIf(user_id, user_id != '') AS users,
  sum(cost_usd) AS usd,
  sumMap(mapFromArrays(arrayDistinct(tool_sequence), arrayMap(t -> toUInt64(countEqual(tool_sequence, t)), arrayDistinct(tool_sequence)))) AS calls
FROM runs FINAL
WHERE project = {project:String} AND workflow = {workflow:String} AND environment = {environment:String}
  AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64} AND mode != 'shadow'

-- measure_series
SELECT
  intDiv(started_ns, {bucket_ns:UInt64}) AS bucket,
  count() AS runs,
  {middle} AS middle
FROM (SELECT started_ns, {value} AS measured FROM ({groups}))
WHERE measured IS NOT NULL
GROUP BY bucket
ORDER BY bucket

-- measure_spend
SELECT
  value,
  ifNull(toFloat64(sumIf(cost_usd, is_current)), 0) AS usd,
  countIf(is_current) AS runs,
  ifNull(toFloat64(sumIf(cost_usd, NOT is_current)), 0) AS before_usd,
  countIf(NOT is_current) AS before_runs
FROM
(
  SELECT tools AS value, cost_usd, started_ns >= {current_since:UInt64} AS is_current
  FROM runs FINAL
  WHERE project = {project:String}
    AND ({workflow:String} = '' OR workflow = {workflow:String})
    AND ({environment:String} = '' OR environment = {environment:String})
    AND (
      (started_ns >= {current_since:UInt64} AND started_ns < {current_until:UInt64})
      OR (started_ns >= {reference_since:UInt64} AND started_ns < {reference_until:UInt64})
    )
)
GROUP BY value
ORDER BY usd DESC, value
LIMIT 200

-- measure_spend_classes
SELECT
  part.1 AS value,
  ifNull(toFloat64(sumIf(part.2, is_current)), 0) AS usd,
  countIf(is_current) AS runs,
  ifNull(toFloat64(sumIf(part.2, NOT is_current)), 0) AS before_usd,
  countIf(NOT is_current) AS before_runs
FROM
(
  SELECT
    arrayJoin(if(
      empty(cost_classes),
      [('', ifNull(cost_usd, 0))],
      arrayZip(arrayMap(c -> toString(c), cost_classes), cost_class_usd)
    )) AS part,
    started_ns >= {current_since:UInt64} AS is_current
  FROM runs FINAL
  WHERE project = {project:String}
    AND ({workflow:String} = '' OR workflow = {workflow:String})
    AND ({environment:String} = '' OR environment = {environment:String})
    AND (
      (started_ns >= {current_since:UInt64} AND started_ns < {current_until:UInt64})
      OR (started_ns >= {reference_since:UInt64} AND started_ns < {reference_until:UInt64})
    )
)
GROUP BY value
ORDER BY usd DESC, value
LIMIT 200

-- measure_spend_models
WITH picked AS
(
  SELECT run_id, version, models, cost_usd, started_ns >= {current_since:UInt64} AS is_current
  FROM runs FINAL
  WHERE project = {project:String} AND partition_day >= {since_day:Date}
    AND ({workflow:String} = '' OR workflow = {workflow:String})
    AND ({environment:String} = '' OR environment = {environment:String})
    AND (
      (started_ns >= {current_since:UInt64} AND started_ns < {current_until:UInt64})
      OR (started_ns >= {reference_since:UInt64} AND started_ns < {reference_until:UInt64})
    )
)
SELECT
  value,
  ifNull(toFloat64(sumIf(spent, is_current)), 0) AS usd,
  countIf(is_current) AS runs,
  ifNull(toFloat64(sumIf(spent, NOT is_current)), 0) AS before_usd,
  countIf(NOT is_current) AS before_runs
FROM
(
  SELECT toString(models[1]) AS value, is_current, cost_usd AS spent
  FROM picked
  WHERE length(models) < 2
  UNION ALL
  SELECT value, is_current, sum(cost_usd) AS spent
  FROM
  (
    SELECT run_id, version, toString(if(response_model != '', response_model, request_model)) AS value, cost_usd
    FROM steps FINAL
    WHERE project = {project:String} AND partition_day >= {since_day:Date} AND usage_role = 'own'
      AND run_id IN (SELECT run_id FROM picked WHERE length(models) > 1)
  ) AS step
  INNER JOIN (SELECT run_id, version, is_current FROM picked WHERE length(models) > 1) AS run
  USING (run_id, version)
  GROUP BY value, is_current, run_id
)
GROUP BY value
ORDER BY usd DESC, value
LIMIT 200

-- measure_spent
SELECT since, sum(cost_usd) AS usd, count() AS runs
FROM runs FINAL
ARRAY JOIN {since:Array(UInt64)} AS since
WHERE partition_day >= {since_day:Date} AND project = {project:String} AND workflow = {workflow:String}
  AND (empty({environment:Array(String)}) OR has({environment:Array(String)}, environment))
  AND started_ns >= since AND started_ns < {until_ns:UInt64} AND mode != 'shadow'
GROUP BY since

-- measure_tools
SELECT i, side, stratum, tool_sequence
FROM
(
  SELECT i, run_id, if(g = -1, -1, 0) AS side, stratum, tool_sequence
  FROM ({groups})
)
ORDER BY i, side, cityHash64(run_id)
LIMIT {limit:UInt32} BY i, side

-- measure_values
SELECT is_current, groupArray(value) AS several
FROM
(
  SELECT run_id, g = -1 AS is_current, assumeNotNull(measured) AS value
  FROM (SELECT run_id, g, {value} AS measured FROM ({groups}))
  WHERE measured IS NOT NULL
  ORDER BY cityHash64(run_id)
  LIMIT {limit:UInt32} BY is_current
)
GROUP BY is_current

-- newest_by_trace
SELECT project, trace_id, max(received_ns) AS newest_ns
FROM facts
WHERE received_day >= {since_day:Date}
  AND received_ns >= {since_ns:UInt64}
GROUP BY project, trace_id
ORDER BY project, trace_id

-- offered_tools
SELECT tool, schema, count() AS runs, min(started_ns) AS first_ns, max(started_ns) AS last_ns
FROM runs FINAL
ARRAY JOIN mapKeys(tool_schemas) AS tool, mapValues(tool_schemas) AS schema
WHERE partition_day >= {since_day:Date} AND project = {project:String}
GROUP BY tool, schema
ORDER BY tool, first_ns, schema
LIMIT 2000

-- outline
SELECT
  toUInt32(JSONExtractUInt(data, 'depth')) AS depth,
  toString(kind) AS kind_name,
  toString(multiIf(
    kind = 'tool' AND tool_name != '', tool_name,
    kind = 'model' AND response_model != '', response_model,
    kind = 'model' AND request_model != '', request_model,
    kind = 'agent' AND agent_name != '', agent_name,
    name)) AS title,
  start_ns,
  duration_ns,
  if(position(data, '"flags"') = 0, [], JSONExtract(data, 'flags', 'Array(String)')) AS flag_names,
  position(data, '"decisions"') > 0 AND arrayExists(
    d -> JSONExtractString(d, 'verdict') = 'deny', JSONExtractArrayRaw(data, 'decisions')) AS is_refused,
  if(position(data, '"content_state"') = 0, '', JSONExtractString(data, 'content_state')) AS state_name,
  multiIf(
    tool_outcome = 'approval_pending', 'waiting',
    tool_outcome IN ('denied', 'not_executed') OR is_refused, 'denied',
    tool_outcome IN ('error', 'timeout', 'invalid_arguments') OR status = 'error', 'error',
    status = 'running' OR has(flag_names, 'unfinished'), 'running',
    '') AS trouble,
  if(usage_role = 'own', toFloat64(cost_usd), NULL) AS own_cost,
  counted AND usage_role != 'duplicate' AS is_counted,
  has(flag_names, 'noise') AS is_noise,
  has(flag_names, 'orphan') AS is_orphan,
  has(flag_names, 'withheld') OR state_name = 'withheld' AS is_withheld,
  state_name = 'expired' AS is_expired,
  if(position(data, '"decisions"') = 0, 0, JSONLength(data, 'decisions')) AS decision_count
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal

-- part_count
SELECT count() AS parts
FROM system.parts
WHERE active AND database = currentDatabase()

-- partition_rows
SELECT table, sum(rows) AS rows
FROM system.parts
WHERE active AND database = currentDatabase() AND partition_id = {partition:String}
GROUP BY table

-- parts_left
SELECT count() AS parts
FROM system.parts
WHERE NOT active AND rows > 0 AND remove_time <= toDateTime({until_s:UInt32})
  AND database = currentDatabase() AND table IN {tables:Array(String)}

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
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)})

-- read_facts
SELECT project, trace_id, span_id, source, content_hash, received_day, received_ns, shared_keys, input_preview, output_preview, error_message, data, score
FROM facts
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}

-- read_gone
SELECT reason, max(gone_ns) AS at_ns
FROM gone_traces
WHERE trace_hash = sipHash64({project:String}, {trace_id:String})
GROUP BY reason
ORDER BY reason = 'erased' DESC, at_ns DESC
LIMIT 1

-- read_logs
SELECT trace_id, span_id, log_id, time_ns, observed_ns, severity_number, severity_text, event_name, body, project, received_day, received_ns, segment, slot, position, redaction, fingerprint, key_id, notes, flags, dropped_attributes, marks, attributes, resource_attributes, resource_dropped, resource_schema_url, scope_name, scope_version, scope_attributes, scope_dropped, scope_schema_url
FROM logs
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)}
    OR (span_id = '' AND substring(log_id, 1, 16) IN {span_ids:Array(String)}))

-- read_run
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM runs FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String})

-- read_run_of_trace
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM runs FINAL
WHERE project = {project:String} AND has(traces, {trace_id:String})
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND has(traces, {trace_id:String}))
ORDER BY started_ns DESC, run_id DESC
LIMIT 1

-- read_runs
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM runs FINAL
PREWHERE project = {project:String} AND run_id IN {run_ids:Array(String)}
WHERE partition_day IN {days:Array(Date)}

-- read_spans
SELECT trace_id, span_id, score, content_hash, has_contents, parent_span_id, name, kind, start_ns, end_ns, status_code, trace_state, dropped_events, dropped_links, project, received_day, received_ns, segment, slot, position, redaction, fingerprint, key_id, notes, flags, dropped_attributes, marks, attributes, resource_attributes, resource_dropped, resource_schema_url, scope_name, scope_version, scope_attributes, scope_dropped, scope_schema_url
FROM spans
WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
  AND ({every:Bool} OR span_id IN {span_ids:Array(String)})

-- read_step
SELECT run_id, ordinal, trace_id, span_id, parent_span_id, kind, name, start_ns, duration_ns, status, provider, request_model, response_model, usage_role, unpriced, tool_name, tool_call_id, tool_arguments_hash, tool_arguments_shape, tool_repeat_hash, tool_idempotency, tool_outcome, counted, agent_name, prompt_hash, error_message, data
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND span_id = {span_id:String} AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal
LIMIT 1

-- read_steps
SELECT
  run_id, ordinal, trace_id, span_id, parent_span_id, kind, name, start_ns, duration_ns, status, provider, request_model, response_model, usage_role, unpriced, tool_name, tool_call_id, tool_arguments_hash, tool_arguments_shape, tool_repeat_hash, tool_idempotency, tool_outcome, counted, agent_name, prompt_hash, error_message, data,
  (SELECT max(content_expired_ns) FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AS expired_ns
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal

-- read_steps_at
SELECT run_id, ordinal, trace_id, span_id, parent_span_id, kind, name, start_ns, duration_ns, status, provider, request_model, response_model, usage_role, unpriced, tool_name, tool_call_id, tool_arguments_hash, tool_arguments_shape, tool_repeat_hash, tool_idempotency, tool_outcome, counted, agent_name, prompt_hash, error_message, data
FROM steps FINAL
WHERE project = {project:String} AND run_id = {run_id:String}
  AND partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String} AND run_id = {run_id:String}) AND ordinal IN {ordinals:Array(UInt32)} AND version =
(
  SELECT max(version)
  FROM runs
  WHERE project = {project:String} AND run_id = {run_id:String}
)
ORDER BY ordinal

-- received_logs
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM logs
WHERE received_day >= {since_day:Date} AND received_day <= {until_day:Date}
  AND received_ns IN {moments:Array(UInt64)}
ORDER BY received_ns, segment, slot, position
LIMIT 1 BY project, trace_id, span_id, log_id

-- received_moments
SELECT received_ns, count() AS items
FROM spans
WHERE received_day >= {since_day:Date} AND received_day <= {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns <= {until_ns:UInt64}
GROUP BY received_ns
ORDER BY received_ns
LIMIT {most:UInt32}

-- received_traces
SELECT DISTINCT project, trace_id
FROM spans
WHERE received_day >= {since_day:Date} AND received_day <= {until_day:Date}
  AND received_ns IN {moments:Array(UInt64)}
ORDER BY project, trace_id

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

-- release_memory
SYSTEM JEMALLOC PURGE

-- repeated_writes
SELECT
  run_id, span_id, environment, workflow, tool_name, tool_repeat_hash, tool_idempotency, tool_call_id, start_ns, tool_outcome
FROM
(
  SELECT
    run_id, span_id, environment, workflow, tool_name, tool_repeat_hash, tool_idempotency, tool_call_id, start_ns, tool_outcome,
    count() OVER (PARTITION BY environment, workflow, tool_name, tool_repeat_hash) AS times
  FROM
  (
    SELECT
      run_id, version, span_id, tool_name, tool_repeat_hash, tool_idempotency, tool_call_id, start_ns, tool_outcome
    FROM steps FINAL
    WHERE project = {project:String} AND kind = 'tool' AND counted AND tool_repeat_hash != ''
      AND tool_outcome IN {wrote:Array(String)}
      AND start_ns >= {since_ns:UInt64} AND start_ns < {until_ns:UInt64}
      AND partition_day >= {since_day:Date}
  ) AS call
  INNER JOIN
  (
    SELECT run_id, version, environment, workflow
    FROM runs FINAL
    WHERE project = {project:String} AND mode != 'shadow' AND partition_day >= {since_day:Date}
  ) AS run
  USING (run_id, version)
)
WHERE times > 1
ORDER BY start_ns, run_id, span_id
LIMIT 20000

-- rows_by_day
SELECT project, toString(received_day) AS day, count() AS rows
FROM spans
GROUP BY project, day
ORDER BY project, day

-- rows_by_project
SELECT project, count() AS rows
FROM spans
GROUP BY project
ORDER BY project

-- rules_in_use
SELECT toString(fingerprint) AS fingerprint, toString(redaction) AS redaction, count() AS items, min(received_ns) AS first_ns, max(received_ns) AS last_ns
FROM spans
WHERE project = {project:String} AND received_day BETWEEN {since_day:Date} AND {until_day:Date}
  AND received_ns >= {since_ns:UInt64} AND received_ns < {until_ns:UInt64}
GROUP BY fingerprint, redaction

-- run_ids
SELECT run_id
FROM runs FINAL
WHERE project = {project:String}
ORDER BY started_ns DESC, run_id DESC
LIMIT {most:UInt32}

-- run_sums
SELECT
  {bucket_since:UInt64} + intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}) * {bucket_width:UInt64} AS start_ns,
  workflow,
  environment,
  countIf(live) AS runs_sum,
  countIf(NOT live) AS shadow_sum,
  countIf(job AND outcome = 'success') AS success_sum,
  countIf(job AND outcome = 'failure') AS failure_sum,
  countIf(job AND outcome = 'handed_off') AS handed_off_sum,
  countIf(live AND status = 'error') AS error_runs_sum,
  countIf(live AND denials > 0) AS denied_runs_sum,
  sumIf(denials, live) AS denials_sum,
  countIf(job) AS jobs_sum,
  countIf(live AND interventions > 0) AS intervened_sum,
  sumIf(arraySum(mapValues(tool_outcomes)), live) AS tool_results_sum,
  sumIf(tool_outcomes['error'], live) AS tool_errors_sum,
  sumIf(tool_outcomes['timeout'], live) AS tool_timeouts_sum,
  sumIf(tool_outcomes['invalid_arguments'], live) AS tool_invalid_sum,
  sumIf(tool_outcomes['denied'], live) AS tool_denied_sum,
  sumIf(tool_outcomes['retried_then_ok'], live) AS tool_retried_sum,
  toInt64(ifNull(sumIf(cost_usd, job AND outcome = 'failure'), 0) * 1000000000) AS failed_nano_usd_sum,
  sumIf(tool_calls, live) AS tool_calls_sum,
  sumIf(model_calls, live) AS model_calls_sum,
  ifNull(sumIf(input_tokens, live), 0) AS input_tokens_sum,
  ifNull(sumIf(output_tokens, live), 0) AS output_tokens_sum,
  sumIf(unpriced_calls, live) AS unpriced_calls_sum,
  toInt64(ifNull(sumIf(cost_usd, live), 0) * 1000000000) AS cost_nano_usd_sum,
  countIf(live AND status != 'running') AS ended_sum,
  sumIf(duration_ns, live AND status != 'running') AS duration_ns_sum,
  maxIf(duration_ns, live AND status != 'running') AS slowest_ns_max,
  countIf(live AND beyond) AS matching_sum,
  {examples} AS examples
FROM
(
  SELECT *, mode != 'shadow' AS live, mode != 'shadow' AND is_last_part AS job, ({bounds}) AS beyond
  FROM runs FINAL
  {join}
  WHERE partition_day >= {oldest_day:Date} AND project = {project:String}
)
GROUP BY start_ns, workflow, environment
ORDER BY started_ns DESC, run_id DESC

-- runs_by_id
SELECT project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM runs FINAL
WHERE project = {project:String} AND run_id IN {run_ids:Array(String)}

-- runs_of_traces
SELECT run_id, partition_day, environment, workflow, started_ns
FROM runs
WHERE project = {project:String} AND hasAny(traces, {trace_ids:Array(String)})

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

-- search_column
SELECT sumForEach(arrayMap(one -> toUInt64(positionCaseInsensitiveUTF8(toString({column:Identifier}), one) > 0), {texts:Array(String)})) AS rows
FROM {table:Identifier}

-- series
SELECT
  least(intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}), {bucket_count:UInt64} - 1) AS bucket,
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow' AND is_last_part) AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  countIf(mode = 'shadow' OR NOT is_last_part) AS beside_sum,
  ifNull(sumIf(cost_usd, mode = 'shadow'), 0) AS shadow_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum
FROM runs FINAL
WHERE project = {project:String}
GROUP BY bucket
ORDER BY bucket

-- set_aside
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

-- shape_series
SELECT
  shape,
  least(intDiv(started_ns - {bucket_since:UInt64}, {bucket_width:UInt64}), {bucket_count:UInt64} - 1) AS bucket,
  count() AS runs,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum
FROM runs FINAL
WHERE project = {project:String}
GROUP BY shape, bucket
ORDER BY shape, bucket

-- staging_count
SELECT count() AS rows
FROM staging_spans

-- staging_create
CREATE TABLE staging_spans AS spans

-- staging_drop
DROP TABLE IF EXISTS staging_spans SYNC

-- staging_fill
INSERT INTO staging_spans
SELECT *
FROM spans
WHERE received_day = {day:Date} AND (project, {id}) IN (SELECT project, {id} FROM survivors)

-- staging_swap
ALTER TABLE spans REPLACE PARTITION ID '20261120' FROM staging_spans

-- steps_by_id
SELECT version, project, run_id, version, first_received_day, last_received_ns, name, service, environment, mode, shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, cost_usd, unpriced_calls, span_count, model_calls, tool_calls, denials, interventions, errors, models, tools, dialects, tags, attributes, waiting_for, pinned, input_preview, output_preview, tool_schemas, prompts, content_expired_ns, data
FROM steps FINAL
WHERE project = {project:String} AND run_id IN {run_ids:Array(String)}
ORDER BY run_id, ordinal

-- sticky_days
SELECT
  project,
  run_id,
  min(partition_day) AS day,
  argMax((environment, workflow, started_ns), version) AS summed_in,
  max(content_expired_ns) AS expired_ns
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
WHERE active AND rows > 0 AND database = currentDatabase() AND table IN {tables:Array(String)}
ORDER BY partition_id

-- survivors_clear
TRUNCATE TABLE survivors

-- survivors_fill
INSERT INTO survivors (project, run_id, trace_id)
SELECT project, run_id, arrayJoin(traces)
FROM runs FINAL
WHERE (project, run_id) IN (SELECT project, run_id FROM survivors WHERE trace_id = '')
  OR multiIf(
    (project, workflow) IN {flows_that_stay:Array(Tuple(String, String))}, true,
    (project, workflow) IN {flows_that_go:Array(Tuple(String, String))}, false,
    project IN {projects_that_stay:Array(String)}, true,
    project IN {projects_that_go:Array(String)}, false,
    {others_stay:Bool})

-- survivors_pins
INSERT INTO survivors (project, run_id, trace_id)
SELECT pin.1, pin.2, '' FROM (SELECT arrayJoin({pins:Array(Tuple(String, String))}) AS pin)

-- table_ids
SELECT name, toString(uuid) AS id, data_paths[1] AS path
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY name

-- times_of
SELECT
    count() AS items,
    min(began_ns) AS first_began_ns,
    max(began_ns) AS last_began_ns,
    min(received_ns) AS first_received_ns,
    max(received_ns) AS last_received_ns
FROM
(
    SELECT start_ns AS began_ns, received_ns FROM spans
    WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
    UNION ALL
    SELECT time_ns AS began_ns, received_ns FROM logs
    WHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
)

-- tool_repeats
LEFT JOIN
(
  SELECT run_id, arrayMax(arrayMap(part -> length(part), arraySplit((tool, is_new) -> is_new, tools, arrayMap(i -> i > 1 AND tools[i] != tools[i - 1], arrayEnumerate(tools))))) AS longest
  FROM
  (
    SELECT run_id, arrayMap(x -> x.2, arraySort(groupArray((ordinal, tool_name)))) AS tools
    FROM steps FINAL
    WHERE partition_day >= {oldest_day:Date} AND project = {project:String} AND kind = 'tool' AND counted AND start_ns >= {steps_since:UInt64}
    GROUP BY run_id
  )
) AS repeats USING (run_id)

-- totals
SELECT
  count() AS runs,
  countIf(outcome = 'success' AND mode != 'shadow' AND is_last_part) AS successes,
  countIf(outcome = 'failure' AND mode != 'shadow' AND is_last_part) AS failures,
  countIf(status = 'error') AS error_runs,
  sum(denials) AS denials_sum,
  countIf(waiting_for != '') AS waiting_runs,
  sum(cost_usd) AS cost_usd_sum,
  countIf(mode = 'shadow' OR NOT is_last_part) AS beside_sum,
  ifNull(sumIf(cost_usd, mode = 'shadow'), 0) AS shadow_usd_sum,
  sum(unpriced_calls) AS unpriced_calls_sum,
  ifNull(sum(input_tokens), 0) AS input_tokens_sum,
  ifNull(sum(output_tokens), 0) AS output_tokens_sum
FROM runs FINAL
WHERE project = {project:String}

-- traces_naming
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

-- traces_sharing
SELECT DISTINCT trace_id
FROM facts
WHERE project = {project:String} AND hasAny(shared_keys, {keys:Array(String)})

-- used_tools
SELECT
  tool,
  sumMap(map(tool_outcome, toUInt64(1))) AS outcomes,
  uniqExact(run_id) AS runs,
  uniqExactIf(run_id, outcome = 'success') AS good_runs,
  max(started_ns) AS last_ns
FROM
(
  SELECT run_id, version, tool_name AS tool, tool_outcome
  FROM steps FINAL
  WHERE project = {project:String} AND kind = 'tool' AND tool_name != '' AND tool_outcome != ''
    AND (counted OR tool_outcome IN {not_counted:Array(String)})
    AND JSONExtractString(data, 'duplicate_of') = ''
) AS call
INNER JOIN
(
  SELECT run_id, version, outcome, started_ns
  FROM runs FINAL
  WHERE project = {project:String}
) AS run
USING (run_id, version)
GROUP BY tool
ORDER BY arraySum(mapValues(outcomes)) DESC, tool
LIMIT 500

-- values
SELECT value, count() AS runs
FROM runs FINAL
ARRAY JOIN tools AS value
WHERE project = {project:String} AND value != ''
GROUP BY value
ORDER BY runs DESC, value
LIMIT {value_limit:UInt32}

-- what_if_approved
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

-- what_if_calls
SELECT
  s.ordinal AS ordinal,
  s.tool_name AS tool,
  s.tool_arguments_hash AS tool_arguments_hash,
  s.tool_arguments_shape AS arguments_shape,
  s.change AS change,
  s.rule AS rule,
  s.run AS run,
  r.outcome AS outcome,
  r.started_ns AS started_ns,
  r.cost_usd AS run_cost_usd
FROM
(
  SELECT
    reinterpretAsUInt128(reverse(unhex(s.run_id))) AS run,
    version,
    ordinal,
    tool_name,
    tool_arguments_hash,
    tool_arguments_shape,
    tool_outcome IN ('denied', 'approval_pending', 'not_executed') AS stopped,
    match(tool_name, {unreadable:String}) AS unreadable,
    multiIf(
      has({denied:Array(String)}, tool_name), 1,
      has({approval:Array(String)}, tool_name), if({approved}, 0, 2),
      {has_allowed:Bool} AND NOT has({allowed:Array(String)}, tool_name), 3,
      0) AS broken,
    multiIf(
      unreadable, 3,
      NOT stopped AND broken = 2, 1,
      NOT stopped AND broken != 0, 0,
      tool_outcome IN ('denied', 'approval_pending') AND broken = 0, 2,
      tool_outcome = 'denied' AND broken = 2, 1,
      tool_outcome = 'approval_pending' AND broken IN (1, 3), 0,
      4) AS change,
    if(change IN (0, 1), broken, 0) AS rule
  FROM steps AS s FINAL
  PREWHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND kind = 'tool' AND counted
) AS s
INNER JOIN
(
  SELECT reinterpretAsUInt128(reverse(unhex(run_id))) AS run, version, outcome, started_ns, cost_usd
  FROM runs FINAL
  WHERE partition_day IN {days:Array(Date)} AND project = {project:String} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String})
) AS r ON s.run = r.run AND s.version = r.version

-- what_if_days
SELECT partition_day, count() AS runs, countIf(cost_usd IS NULL) AS unpriced
FROM runs FINAL
WHERE project = {project:String} AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String})
GROUP BY partition_day
ORDER BY partition_day

-- what_if_executed
(kind = 'tool' AND counted AND tool_name != '' AND tool_outcome NOT IN ('denied', 'approval_pending', 'not_executed'))

-- what_if_groups
SELECT
  change, tool, rule, shape, calls, arguments, examples,
  finalizeAggregation(of_runs) AS runs,
  finalizeAggregation(of_successful) AS successful_runs,
  count() OVER () AS kinds,
  [sumIf(calls, change = 0) OVER (), sumIf(calls, change = 1) OVER (), sumIf(calls, change = 2) OVER (),
   sumIf(calls, change = 3) OVER (), sumIf(calls, change = 4) OVER ()] AS calls_by_change,
  uniqExactMergeIf(of_runs, change = 0) OVER () AS cut_runs,
  uniqExactMergeIf(of_successful, change = 0) OVER () AS cut_successful,
  arraySum(paid -> paid.2, groupUniqArrayMerge(cut_paid) OVER ()) AS cut_value
FROM
(
  SELECT
    change,
    tool,
    rule,
    if(changed, arguments_shape, '') AS shape,
    count() AS calls,
    uniqExactStateIf(run, changed) AS of_runs,
    uniqExactStateIf(run, changed AND outcome = 'success') AS of_successful,
    uniqExactIf(tool_arguments_hash, changed) AS arguments,
    groupArraySortedIf(5)((-toInt64(started_ns), run, ordinal), changed) AS examples,
    groupUniqArrayStateIf((run, assumeNotNull(run_cost_usd)), change = 0 AND outcome = 'success' AND run_cost_usd > 0) AS cut_paid
  FROM (SELECT *, change != 4 AS changed FROM ({calls}))
  GROUP BY change, tool, rule, shape
)
ORDER BY change, calls DESC, tool, rule, shape
LIMIT {most:UInt32}

-- what_if_limits
SELECT
  rule,
  count() AS runs,
  countIf(outcome = 'success') AS successful_runs,
  sum(saved) AS saved_usd,
  groupArraySorted(5)((-toInt64(started_ns), run_id, span_id, call, after_ns, saved)) AS examples
FROM
(
  SELECT
    run_id,
    outcome,
    started_ns,
    stop.1 AS rule,
    toInt64(stop.2) AS place,
    if(place = 0, '', spans[place]) AS span_id,
    if(place = 0, arraySum(executed), before[place] + 1) AS call,
    if(place = 0, duration_ns, greatest(0, toInt64(starts[place]) - toInt64(started_ns))) AS after_ns,
    if(place = 0, toDecimal128(0, 12), arraySum(arraySlice(costs, place))) AS saved
  FROM
  (
    SELECT
      r.run_id AS run_id, r.outcome AS outcome, r.started_ns AS started_ns, r.duration_ns AS duration_ns,
      r.cost_usd AS run_cost_usd, r.tokens AS run_tokens,
      arraySort((value, place) -> place, s.starts, s.places) AS starts,
      arraySort((value, place) -> place, s.spans, s.places) AS spans,
      arraySort((value, place) -> place, s.executed, s.places) AS executed,
      arraySort((value, place) -> place, s.costs, s.places) AS costs,
      arraySort((value, place) -> place, s.used, s.places) AS used,
      arrayMap((sum, own) -> sum - own, arrayCumSum(executed), executed) AS before,
      [{stops}] AS stops
    FROM
    (
      SELECT
        run_id, version,
        groupArray(toInt128(start_ns) * 4294967296 + ordinal) AS places,
        groupArray(start_ns) AS starts,
        groupArray(span_id) AS spans,
        groupArray(toInt64({executed})) AS executed,
        groupArray(if(usage_role = 'own', ifNull(cost_usd, toDecimal128(0, 12)), toDecimal128(0, 12))) AS costs,
        groupArray(if(usage_role = 'own', toInt64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)), 0)) AS used
      FROM steps FINAL
      PREWHERE project = {project:String} AND partition_day IN {some_days:Array(Date)} AND run_id IN
      (
        SELECT run_id
        FROM runs FINAL
        WHERE {chosen}
      )
      GROUP BY run_id, version
    ) AS s
    INNER JOIN
    (
      SELECT run_id, version, outcome, started_ns, duration_ns, cost_usd, toInt64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)) AS tokens
      FROM runs FINAL
      WHERE partition_day IN {some_days:Array(Date)} AND project = {project:String}
    ) AS r ON s.run_id = r.run_id AND s.version = r.version
  )
  ARRAY JOIN arrayFilter(stop -> stop.3, stops) AS stop
)
GROUP BY rule

-- what_if_many_calls
(run_id, version) IN
(
  SELECT run_id, version
  FROM steps FINAL
  PREWHERE project = {project:String} AND partition_day IN {some_days:Array(Date)} AND {executed}
  GROUP BY run_id, version
  HAVING count() > {max_tool_calls:Int64}
)

-- what_if_spans
SELECT run_id, ordinal, argMax(span_id, version) AS span_id
FROM steps
WHERE project = {project:String} AND partition_day IN {days:Array(Date)} AND (run_id, ordinal) IN {examples:Array(Tuple(String, UInt32))}
GROUP BY run_id, ordinal

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
  AND (positionCaseInsensitiveUTF8(name, {text:String}) > 0 OR positionCaseInsensitiveUTF8(workflow, {text:String}) > 0 OR positionCaseInsensitiveUTF8(input_preview, {text:String}) > 0 OR positionCaseInsensitiveUTF8(output_preview, {text:String}) > 0 OR run_id IN (SELECT trace_id FROM spans WHERE project = {project:String} AND received_day >= {text_since_day:Date} AND (arrayExists(v -> multiSearchAnyCaseInsensitiveUTF8(v, {needles:Array(String)}), mapValues(attributes)))) OR run_id IN (SELECT trace_id FROM span_contents WHERE project = {project:String} AND received_day >= {text_since_day:Date} AND (multiSearchAnyCaseInsensitiveUTF8(status_message, {needles:Array(String)}) OR multiSearchAnyCaseInsensitiveUTF8(events, {needles:Array(String)}) OR arrayExists(v -> multiSearchAnyCaseInsensitiveUTF8(v, {needles:Array(String)}), mapValues(attributes)))) OR run_id IN (SELECT trace_id FROM logs WHERE project = {project:String} AND received_day >= {text_since_day:Date} AND (multiSearchAnyCaseInsensitiveUTF8(body, {needles:Array(String)}) OR arrayExists(v -> multiSearchAnyCaseInsensitiveUTF8(v, {needles:Array(String)}), mapValues(attributes)))))
  AND (started_ns, run_id) < ({cursor_key:UInt64}, {cursor_id:String})

-- order newest
started_ns DESC, run_id DESC
(started_ns, run_id) < ({cursor_key:UInt64}, {cursor_id:String})

-- order oldest
started_ns ASC, run_id ASC
(started_ns, run_id) > ({cursor_key:UInt64}, {cursor_id:String})

-- order cost
ifNull(cost_usd, CAST(-1, 'Decimal(38, 12)')) DESC, run_id DESC
(ifNull(cost_usd, CAST(-1, 'Decimal(38, 12)')), run_id) < ({cursor_key:Decimal(38, 12)}, {cursor_id:String})

-- order cost_up
ifNull(cost_usd, CAST('100000000000000000000', 'Decimal(38, 12)')) ASC, run_id ASC
(ifNull(cost_usd, CAST('100000000000000000000', 'Decimal(38, 12)')), run_id) > ({cursor_key:Decimal(38, 12)}, {cursor_id:String})

-- order duration
toUInt64(duration_ns) DESC, run_id DESC
(toUInt64(duration_ns), run_id) < ({cursor_key:UInt64}, {cursor_id:String})

-- order duration_up
toUInt64(duration_ns) ASC, run_id ASC
(toUInt64(duration_ns), run_id) > ({cursor_key:UInt64}, {cursor_id:String})

-- order of groups runs
runs DESC NULLS LAST, runs DESC, value

-- order of groups runs_up
runs ASC NULLS LAST, runs DESC, value

-- order of groups success
if(successes + failures = 0 OR runs = beside_sum, NULL, successes / (runs - beside_sum)) DESC NULLS LAST, runs DESC, value

-- order of groups success_up
if(successes + failures = 0 OR runs = beside_sum, NULL, successes / (runs - beside_sum)) ASC NULLS LAST, runs DESC, value

-- order of groups cost
cost_usd_sum DESC NULLS LAST, runs DESC, value

-- order of groups cost_up
cost_usd_sum ASC NULLS LAST, runs DESC, value

-- order of groups per_success
if(successes = 0, NULL, toFloat64(cost_usd_sum - shadow_usd_sum) / successes) DESC NULLS LAST, runs DESC, value

-- order of groups per_success_up
if(successes = 0, NULL, toFloat64(cost_usd_sum - shadow_usd_sum) / successes) ASC NULLS LAST, runs DESC, value

-- order of groups tokens
input_tokens_sum + output_tokens_sum DESC NULLS LAST, runs DESC, value

-- order of groups tokens_up
input_tokens_sum + output_tokens_sum ASC NULLS LAST, runs DESC, value

-- order of groups denials
denials_sum DESC NULLS LAST, runs DESC, value

-- order of groups denials_up
denials_sum ASC NULLS LAST, runs DESC, value

-- order of groups last
newest_ns DESC NULLS LAST, runs DESC, value

-- order of groups last_up
newest_ns ASC NULLS LAST, runs DESC, value
