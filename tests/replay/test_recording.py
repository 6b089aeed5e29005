from __future__ import annotations

import random

from replay.recording import recording
from runs.present import span_json
from spans.content import Message, Part, SpanContent
from spans.kinds import RunStatus, SpanKind, ToolOutcome
from tests.builders import a_run, a_span_id, a_step

SAID = SpanContent(
    input_messages=(Message("user", (Part("text", "Where is my order?"),)),),
    output_messages=(Message("assistant", (Part("text", "On its way."),)),),
)


def a_span_of(number: int, content: SpanContent = SAID, **changes):
    step = a_step(span_id=a_span_id(number), start_ns=1_000 * number, ordinal=number, **changes)
    return span_json(step, None, content)


def a_tool(number: int, result=None, **changes):
    content = SpanContent(tool_arguments={"order": "A-1"}, tool_result=result)
    return a_span_of(number, content, kind=SpanKind.TOOL, tool_name="lookup", usage=None, cost=None, **changes)


def test_exchanges_stand_in_the_order_they_were_asked_and_wrappers_are_left_out():
    spans = [a_span_of(1, kind=SpanKind.AGENT), a_span_of(2), a_tool(3, "found"), a_span_of(4)]
    told = recording(a_run(), spans)
    assert [(e["number"], e["kind"]) for e in told["exchanges"]] == [(1, "model"), (2, "tool"), (3, "model")]
    assert told["exchanges"][0]["asked"]["messages"][0]["parts"][0]["content"] == "Where is my order?"
    assert told["exchanges"][1]["answered"] == {"result": "found"}


def test_the_order_in_which_spans_are_handed_in_changes_nothing():
    spans = [a_span_of(1), a_tool(2, {"at": 1.5}), a_tool(3, None, status=RunStatus.ERROR), a_span_of(4)]
    first = recording(a_run(), spans)
    for seed in range(20):
        random.Random(seed).shuffle(spans)
        assert recording(a_run(), spans) == first


def test_a_second_report_lends_what_the_counted_one_lacks_and_is_no_exchange_of_its_own():
    spans = [a_span_of(1, SpanContent()), a_span_of(2, counted=False, duplicate_of=a_span_id(1))]
    (only,) = recording(a_run(), spans)["exchanges"]
    assert only["span_id"] == a_span_id(1)
    assert only["answered"]["messages"]
    assert only["state"] == "completed"


def test_null_failed_and_absent_results_are_three_things():
    spans = [
        a_tool(1, None, tool_outcome=ToolOutcome.EMPTY),
        a_tool(2, None, status=RunStatus.ERROR, error_type="TimeoutError"),
        a_tool(3, None),
    ]
    assert [e["state"] for e in recording(a_run(), spans)["exchanges"]] == ["completed", "failed", "absent"]


def test_another_answer_is_another_digest():
    assert recording(a_run(), [a_tool(1, "a")])["digest"] != recording(a_run(), [a_tool(1, "b")])["digest"]
