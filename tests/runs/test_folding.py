"""Sessions that only logs tell of: coding agents export logs long before they export spans."""

from __future__ import annotations

import itertools

import pytest

from runs.facts import facts_of, session_trace
from spans.kinds import RunShape, SpanKind, ToolOutcome
from tests.runs.spans_of import T0, assembled, chat, clean, clean_log

MS = 1_000_000


def claude(event, at, **attributes):
    return clean_log(
        "",
        {"event.name": event, "session.id": "sess-7", "prompt.id": "p1", **attributes},
        body=f"claude_code.{event}",
        scope="com.anthropic.claude_code.events",
        span=None,
        trace=None,
        at=at,
    )


CLAUDE = (
    claude("user_prompt", 10, prompt="Remove the old export, please."),
    claude(
        "api_request",
        900,
        model="claude-sonnet-4-5",
        input_tokens="5",
        output_tokens="40",
        cache_read_tokens="1000",
        cost_usd="0.0123",
        duration_ms="800",
        request_id="req_011CUabcdef",
    ),
    claude("tool_decision", 950, tool_name="Bash", tool_use_id="toolu_000001", decision="accept", source="config"),
    claude("tool_result", 1000, tool_name="Bash", tool_use_id="toolu_000001", success="true", duration_ms="40"),
    claude(
        "tool_decision", 1100, tool_name="Write", tool_use_id="toolu_000002", decision="reject", source="user_reject"
    ),
)


def test_a_claude_code_session_of_logs_is_one_run():
    found = assembled(*CLAUDE)
    run = found.run
    assert run.run_id == session_trace("default", "sess-7")
    assert (run.session_id, run.shape) == ("sess-7", RunShape.AGENT)
    assert (run.model_calls, run.usage.input, run.usage.output) == (1, 1005, 40)
    assert run.input_preview == "Remove the old export, please."
    assert {(step.tool_name, step.tool_outcome) for step in found.steps if step.kind is SpanKind.TOOL} == {
        ("Bash", ToolOutcome.OK),
        ("Write", ToolOutcome.DENIED),
    }
    assert (run.tool_calls, run.denials) == (1, 1)


def test_a_step_of_a_log_ends_when_the_log_was_written():
    call = next(step for step in assembled(*CLAUDE).steps if step.kind is SpanKind.MODEL)
    assert (call.start_ns, call.duration_ns) == (T0 + 100 * MS, 800 * MS)


def test_the_order_of_logs_changes_nothing():
    expected = assembled(*CLAUDE)
    assert all(assembled(*some) == expected for some in itertools.permutations(CLAUDE))


def test_a_codex_session_of_logs_is_one_run():
    def codex(event, at, **attributes):
        named = {"event.name": f"codex.{event}", "conversation.id": "c-1", "model": "gpt-5-codex", **attributes}
        return clean_log("", named, scope="codex_otel.log_only", span=None, trace=None, at=at)

    run = assembled(
        codex("user_prompt", 1, prompt="List the files."),
        codex("sse_event", 10, **{"event.kind": "response.output_text.delta"}),
        codex(
            "sse_event",
            90,
            **{"event.kind": "response.completed", "input_token_count": "700", "output_token_count": "20"},
        ),
        codex("tool_result", 150, tool_name="exec_command", call_id="call_000001", success="true", duration_ms="30"),
    ).run
    assert (run.model_calls, run.tool_calls, run.usage.input, run.session_id) == (1, 1, 700, "c-1")
    assert run.input_preview == "List the files."


def test_a_gemini_cli_session_of_logs_is_one_run():
    def gemini(event, at, **attributes):
        named = {"event.name": f"gemini_cli.{event}", "session.id": "g-1", **attributes}
        return clean_log("", named, scope="gemini-cli", span=None, trace=None, at=at)

    run = assembled(
        gemini("user_prompt", 1, prompt="What changed?"),
        gemini(
            "api_response", 90, model="gemini-2.5-pro", input_token_count=300, output_token_count=12, duration_ms=80
        ),
        gemini("tool_call", 120, function_name="run_shell_command", success=True, decision="reject", duration_ms=5),
    ).run
    assert (run.model_calls, run.usage.input, run.denials) == (1, 300, 1)
    assert run.input_preview == "What changed?"


@pytest.mark.parametrize("changed", [{"project": "other"}, {"session": "sess-8"}])
def test_sessions_and_projects_do_not_mix(changed):
    known = {"project": "default", "session": "sess-7"}
    assert session_trace(*known.values()) != session_trace(*{**known, **changed}.values())


def test_a_log_without_session_stands_alone():
    one, other = (facts_of(clean_log("app.started", {"n": n}, span=None, trace=None)) for n in (1, 2))
    assert one.trace_id != other.trace_id


def test_beside_spans_what_was_said_makes_no_step():
    said = clean_log("", {"session.id": "s"}, body="claude_code.user_prompt", span=9)
    assert [step.span_id[-1] for step in assembled(chat(1), said).steps] == ["1"]


def test_steps_of_logs_say_so():
    assert {step.flags for step in assembled(*CLAUDE).steps} == {("synthetic",)}


def codex_span(number, name, **changes):
    return clean(number, name, changes.pop("attributes", {}), scope="codex_exec", **changes)


def codex_log(event, span, at=50, **attributes):
    return clean_log(
        f"codex.{event}", {"call_id": "call_1", **attributes}, span=span, at=at, scope="codex_otel.log_only"
    )


TURN = codex_span(1, "session_task.turn", end=900)
EXEC = codex_span(2, "exec_command", parent=1, end=100, attributes={"tool_name": "exec_command", "call_id": "call_1"})


@pytest.mark.parametrize(
    ("logs", "outcome"),
    [
        ([codex_log("tool_result", 77, success="true")], ToolOutcome.OK),
        ([codex_log("tool_result", 77, success="false")], ToolOutcome.ERROR),
        (
            [codex_log("tool_result", 77, success="true"), codex_log("sandbox_outcome", 77, outcome="denied")],
            ToolOutcome.DENIED,
        ),
        (
            [codex_log("tool_result", 77, success="true"), codex_log("sandbox_outcome", 78, outcome="denied")],
            ToolOutcome.DENIED,
        ),
    ],
)
def test_a_call_told_by_its_span_and_by_a_log_on_a_span_that_never_came_is_one_call(logs, outcome):
    found = assembled(TURN, EXEC, *logs)
    assert [(s.span_id[-1], s.tool_outcome) for s in found.steps if s.kind is SpanKind.TOOL] == [("2", outcome)]
    assert (found.run.tool_calls, found.run.denials) == (1, int(outcome is ToolOutcome.DENIED))
    assert all(assembled(*some) == found for some in itertools.permutations([TURN, EXEC, *logs]))


def test_a_call_that_only_the_same_absent_span_tells_of_keeps_its_step():
    other = codex_log("tool_result", 77, call_id="call_2", tool_name="apply_patch")
    found = assembled(TURN, EXEC, codex_log("tool_result", 77), other)
    assert [(s.tool_call_id, s.counted) for s in found.steps if s.kind is SpanKind.TOOL] == [
        ("call_1", True),
        ("call_2", True),
    ]


def test_a_call_id_handed_out_again_belongs_to_the_call_of_that_time():
    again = codex_span(
        3, "exec_command", parent=1, start=500, end=600, attributes={"tool_name": "exec_command", "call_id": "call_1"}
    )
    found = assembled(TURN, EXEC, again, codex_log("sandbox_outcome", 77, at=550, outcome="denied"))
    assert [s.tool_outcome for s in found.steps if s.kind is SpanKind.TOOL] == [ToolOutcome.OK, ToolOutcome.DENIED]
