"""The demo is a believable fleet: repeatable, bounded, recent, and full of the stories it promises."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from genai_prices import Usage, calc_price
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.decode import decode_logs, decode_traces
from tracetape.demo.fleet import DAYS, MAX_SPANS, generate
from tracetape.demo.flows import FLOWS

NOW = datetime(2026, 11, 19, 15, 20, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def requests():
    return list(generate(1, NOW_NS))


@pytest.fixture(scope="module")
def spans(requests):
    return [span for r in requests if r.signal == "traces" for span in decode_traces(r.body)]


@pytest.fixture(scope="module")
def runs(spans):
    grouped = defaultdict(list)
    for span in spans:
        grouped[span.trace_id].append(span)
    return grouped


def test_the_same_seed_and_time_give_the_same_bytes(requests):
    assert list(generate(1, NOW_NS)) == requests
    assert list(generate(2, NOW_NS)) != requests


@pytest.mark.parametrize("hour", [0, 3, 12, 23])
@pytest.mark.parametrize("seed", [1, 7])
def test_it_keeps_its_promise_of_size(seed, hour):
    now = NOW.replace(hour=hour)
    spans = sum(r.items for r in generate(seed, int(now.timestamp()) * 10**9) if r.signal == "traces")
    assert MAX_SPANS / 2 < spans <= MAX_SPANS


def test_every_request_is_small_and_counts_what_it_holds(requests):
    assert requests[0].items <= 120
    for request in requests:
        decode = decode_traces if request.signal == "traces" else decode_logs
        assert request.items == sum(1 for _ in decode(request.body)) <= 512


def test_no_two_spans_share_an_id(spans):
    assert len({(s.trace_id, s.span_id) for s in spans}) == len(spans)


def test_every_run_has_one_root_and_no_orphan(runs):
    for trace in runs.values():
        ids = {s.span_id for s in trace}
        assert [s for s in trace if s.parent_span_id is None][1:] == []
        assert all(s.parent_span_id in ids for s in trace if s.parent_span_id)


def test_the_newest_runs_come_first(requests):
    firsts = [max(s.start_ns for s in decode_traces(r.body)) for r in requests if r.signal == "traces"]
    assert firsts == sorted(firsts, reverse=True)
    assert NOW_NS - firsts[0] < 3 * MINUTE_NS


def test_nothing_lies_in_the_future_or_before_the_fortnight(spans):
    oldest = int((NOW - timedelta(days=DAYS)).timestamp()) * 10**9
    assert all(oldest < s.start_ns < NOW_NS for s in spans)
    assert all(s.end_ns == 0 or s.start_ns <= s.end_ns <= NOW_NS for s in spans)


def test_children_lie_inside_their_parents(runs):
    for trace in runs.values():
        by_id = {s.span_id: s for s in trace}
        for span in trace:
            parent = by_id.get(span.parent_span_id)
            if parent is not None and parent.end_ns:
                assert parent.start_ns <= span.start_ns <= span.end_ns <= parent.end_ns


def test_loading_it_again_on_the_same_day_sends_the_same_runs(spans):
    later = [
        s.trace_id for r in generate(1, NOW_NS + 20 * MINUTE_NS) if r.signal == "traces" for s in decode_traces(r.body)
    ]
    assert {s.trace_id for s in spans} <= set(later)


def test_more_happens_by_day_than_by_night(runs):
    hours = Counter(datetime.fromtimestamp(trace[0].start_ns / 1e9, UTC).hour for trace in runs.values())
    assert sum(hours[h] for h in range(8, 18)) > 4 * sum(hours[h] for h in (23, 0, 1, 2, 3, 4))


def test_every_agent_of_the_fleet_appears_with_owner_version_and_environment(runs):
    resources = [trace[0].resource.attributes for trace in runs.values()]
    assert {r["service.name"] for r in resources} == {f.workflow.name for f in FLOWS}
    assert all(r["service.version"] and r["service.namespace"] for r in resources)
    assert {r["deployment.environment.name"] for r in resources} == {"production", "staging"}


def test_both_instrumentations_speak(spans):
    assert any("gen_ai.operation.name" in s.attributes for s in spans)
    assert any("openinference.span.kind" in s.attributes for s in spans)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda f: f.workflow.name)
def test_every_model_has_a_known_price(flow):
    provider = {"gcp.gemini": "google"}.get(flow.workflow.provider, flow.workflow.provider)
    priced = calc_price(Usage(input_tokens=1000, output_tokens=10), flow.workflow.response_model, provider_id=provider)
    assert priced.total_price > 0


def test_usage_is_inclusive(spans):
    calls = [s.attributes for s in spans if "gen_ai.usage.input_tokens" in s.attributes]
    assert any(a["gen_ai.usage.cache_read.input_tokens"] for a in calls)
    assert all(a["gen_ai.usage.cache_read.input_tokens"] < a["gen_ai.usage.input_tokens"] for a in calls)
    assert all(a.get("gen_ai.usage.reasoning.output_tokens", 0) < a["gen_ai.usage.output_tokens"] for a in calls)


def test_messages_are_valid_json_and_grow(runs):
    for trace in runs.values():
        chats = [s for s in trace if s.attributes.get("gen_ai.operation.name") == "chat"]
        lengths = [len(json.loads(s.attributes["gen_ai.input.messages"])) for s in chats]
        assert lengths == sorted(lengths)


def test_personal_data_is_planted_for_redaction_to_find(requests):
    everything = b"".join(r.body for r in requests)
    for planted in (
        b"Maria Lindqvist",
        b"maria.lindqvist@example.com",
        b"4111 1111 1111 1111",
        b"DE89 3704 0044 0532 0130 00",
    ):
        assert planted in everything
    assert b"Autumn-Leaves-77" in everything


def tool_calls(runs, tool):
    return [(t, s) for t in runs.values() for s in t if s.attributes.get("gen_ai.tool.name") == tool]


def test_story_a_grant_of_rights_was_stopped_that_nobody_tried_before(runs):
    (grant,) = [s for _, s in tool_calls(runs, "grant_role")]
    assert grant.attributes["tracetape.decision"] == "deny"
    assert grant.attributes["tracetape.decision.rule"] == "no-admin-grants"


def test_story_a_refund_was_denied_by_a_policy(runs):
    denied = [s for _, s in tool_calls(runs, "issue_refund") if s.attributes.get("error.type") == "PermissionError"]
    assert any(NOW_NS - s.start_ns < 60 * MINUTE_NS for s in denied)
    assert {s.attributes["tracetape.decision"] for s in denied} == {"deny"}
    assert {s.status_code.name for s in denied} == {"ERROR"}


def test_story_a_refund_was_issued_twice_within_a_day(runs):
    issued = defaultdict(list)
    for trace, span in tool_calls(runs, "issue_refund"):
        if (
            span.status_code.name != "ERROR"
            and trace[0].attributes.get("gen_ai.conversation.id") == "refund-story-twice"
        ):
            issued[span.attributes["gen_ai.tool.call.arguments"]].append(span.start_ns)
    ((first, second),) = issued.values()
    assert abs(first - second) < 24 * 60 * MINUTE_NS


def test_story_a_retry_loop_cost_too_much(runs):
    tokens = {
        trace_id: sum(s.attributes.get("gen_ai.usage.input_tokens", 0) for s in trace)
        for trace_id, trace in runs.items()
        if trace[0].resource.attributes["service.name"] == "sql-analyst"
    }
    most, second, *_ = sorted(tokens.values(), reverse=True)
    assert most > 20 * second


def test_story_a_prompt_change_made_answers_long(spans):
    outputs = defaultdict(list)
    for span in spans:
        version = span.attributes.get("gen_ai.prompt.version")
        if version in {"v11", "v12"} and "gen_ai.usage.output_tokens" in span.attributes:
            outputs[version].append(span.attributes["gen_ai.usage.output_tokens"])
    old, new = (sum(outputs[v]) / len(outputs[v]) for v in ("v11", "v12"))
    assert new > 4 * old
    assert min(len(v) for v in outputs.values()) > 60


def test_story_a_signature_waits_for_approval(spans):
    (waiting,) = [s for s in spans if any("GraphInterrupt" in str(e.attributes) for e in s.events)]
    assert waiting.status_code.name != "ERROR"
    assert "send_for_signature" in str(waiting.events[0].attributes["exception.message"])


def test_story_a_run_is_still_running(spans):
    (running,) = [s for s in spans if s.end_ns == 0]
    assert running.parent_span_id is None


def test_story_a_program_makes_a_single_call(runs):
    singles = [t for t in runs.values() if t[0].resource.attributes["service.name"] == "mail-digest"]
    assert {len(t) for t in singles} == {1}


def test_story_the_model_was_down_for_an_hour(spans):
    down = [s for s in spans if s.parent_span_id and s.attributes.get("error.type") == "openai.InternalServerError"]
    times = [s.start_ns for s in down]
    assert len(down) >= 10
    assert max(times) - min(times) < 60 * MINUTE_NS


def test_evaluations_name_the_run_they_judge(requests, runs):
    for request in requests:
        if request.signal != "logs":
            continue
        for record in ExportLogsServiceRequest.FromString(request.body).resource_logs[0].scope_logs[0].log_records:
            assert record.event_name == "gen_ai.evaluation.result"
            assert record.span_id.hex() in {s.span_id for s in runs[record.trace_id.hex()]}
