"""How much of a run can be played back, said honestly."""

from __future__ import annotations

import pytest

from replay.replayability import REMEDIES, ReplayReason, replayability
from spans.facts import Decision
from spans.kinds import Replayability, RunStatus, SpanKind, ToolOutcome, Verdict
from tests.builders import a_run, a_span_id, a_step

WHOLE = {"has_input": True, "has_output": True, "content_state": "full"}
NOTHING = {"has_input": False, "has_output": False, "content_state": "absent"}


def a_model(**changes):
    return a_step(**(WHOLE | changes))


def a_tool(**changes):
    return a_step(kind=SpanKind.TOOL, tool_name="t", usage=None, cost=None, **(WHOLE | changes))


def badge(*steps, **run):
    level, reasons = replayability(a_run(**run), steps)
    return level.value, list(reasons)


def test_a_run_with_every_answer_recorded_is_complete():
    assert badge(a_model(), a_tool(), a_step(kind=SpanKind.RETRIEVAL, **WHOLE)) == ("complete", [])


def test_a_run_without_any_content_shows_only_what_happened():
    assert badge(a_model(**NOTHING), a_tool(**NOTHING)) == ("metadata_only", ["no_content", "tool_result_missing"])


def test_a_run_without_any_exchange_shows_only_what_happened():
    assert badge() == ("metadata_only", ["no_content"])
    assert badge(a_step(kind=SpanKind.AGENT, **WHOLE)) == ("metadata_only", ["no_content"])


@pytest.mark.parametrize(
    ("step", "reasons"),
    [
        (a_model(has_output=False), ["no_content"]),
        (a_model(has_input=False), ["no_content"]),
        (a_model(content_state="truncated"), ["truncated"]),
        (a_model(content_state="withheld"), ["redacted_without_key"]),
        (a_model(content_state="external"), ["binary_part_missing"]),
        (a_model(flags=("provider_state", "late")), ["late_spans", "provider_state"]),
        (a_model(flags=("orphan",)), ["late_spans"]),
        (a_model(flags=("answer_incomplete",)), ["no_content"]),
        (
            a_model(flags=("system_prompt_missing", "unordered_siblings")),
            ["system_prompt_missing", "unordered_siblings"],
        ),
        (a_model(flags=("noise", "conflict")), []),
        (a_model(has_output=False, status=RunStatus.ERROR, error_type="RateLimitError"), []),
        (a_model(has_output=False, status=RunStatus.ERROR), ["no_content"]),
        (a_tool(has_output=False), ["tool_result_missing"]),
        (a_tool(has_output=False, status=RunStatus.ERROR, error_type="TimeoutError"), []),
        (a_tool(has_output=False, tool_outcome=ToolOutcome.DENIED), []),
        (a_tool(has_output=False, decisions=(Decision(Verdict.DENY),)), []),
        (a_tool(has_output=False, tool_outcome=ToolOutcome.NOT_EXECUTED), []),
        (a_tool(has_output=False, tool_outcome=ToolOutcome.APPROVAL_PENDING), ["human_input_missing"]),
        (a_tool(flags=("synthetic",)), ["tool_not_claimed"]),
        (a_tool(has_input=False), ["no_content"]),
        (a_step(kind=SpanKind.RETRIEVAL, **(WHOLE | {"has_output": False})), ["no_content"]),
        (a_step(kind=SpanKind.EMBEDDING, **WHOLE), ["embedding_vector_missing"]),
        (a_step(kind=SpanKind.RERANKER, **WHOLE), []),
        (a_tool(**(NOTHING | {"counted": False})), []),
        (a_step(kind=SpanKind.GUARDRAIL, **NOTHING), []),
    ],
)
def test_one_step_beside_a_whole_one_takes_this_away(step, reasons):
    assert badge(a_model(), step) == ("partial" if reasons else "complete", reasons)


def test_a_run_that_has_not_ended_is_never_complete():
    assert badge(a_model(), status=RunStatus.RUNNING) == ("partial", ["late_spans"])
    assert badge(a_model(), complete=False) == ("partial", ["late_spans"])


def test_a_run_that_waits_for_a_person_lacks_the_answer():
    assert badge(a_model(), waiting_for="approval of apply") == ("partial", ["human_input_missing"])


def test_withheld_text_alone_is_nothing_to_play():
    level, reasons = replayability(a_run(), [a_model(content_state="withheld")])
    assert level is Replayability.METADATA_ONLY
    assert "redacted_without_key" in reasons


def test_reasons_come_once_and_in_the_order_of_the_closed_set():
    steps = [a_tool(has_output=False), a_model(content_state="truncated"), a_tool(has_output=False), a_model(**NOTHING)]
    assert badge(*steps)[1] == ["no_content", "truncated", "tool_result_missing"]


def test_the_reasons_are_the_closed_set_of_the_contract_and_each_has_a_remedy():
    assert [r.value for r in ReplayReason] == [
        "no_content",
        "truncated",
        "tool_result_missing",
        "tool_not_claimed",
        "system_prompt_missing",
        "tool_schemas_missing",
        "embedding_vector_missing",
        "binary_part_missing",
        "redacted_without_key",
        "late_spans",
        "unordered_siblings",
        "provider_state",
        "human_input_missing",
    ]
    assert set(REMEDIES) == set(ReplayReason)
    assert all(text.endswith(".") for text in REMEDIES.values())


def test_what_another_report_of_the_same_call_holds_counts_for_the_call():
    """An SDK's own span has the tokens, the instrumentation around it the text."""
    counted = a_model(span_id=a_span_id(1), **NOTHING)
    retold = a_model(span_id=a_span_id(2), counted=False, duplicate_of=a_span_id(1))
    assert badge(counted, retold) == ("complete", [])
    assert badge(counted) == ("metadata_only", ["no_content"])


def test_what_one_report_leaves_out_another_whole_one_may_hold():
    gap = a_model(span_id=a_span_id(1), flags=("tool_schemas_missing",))
    whole = a_model(span_id=a_span_id(2), counted=False, duplicate_of=a_span_id(1))
    empty = a_model(span_id=a_span_id(2), counted=False, duplicate_of=a_span_id(1), **NOTHING)
    assert badge(gap, whole) == ("complete", [])
    assert badge(gap, empty) == ("partial", ["tool_schemas_missing"])
