from __future__ import annotations

import pytest

from replay.outline import outline
from replay.reading import read_recording
from replay.recording import recorded, recording_json
from spans.content import Message, Part, SpanContent
from spans.kinds import RunStatus, SpanKind, ToolOutcome
from tests.builders import a_run, a_span_id, a_step
from tests.replay.house import CAPTURES, items_of, stored
from tests.runs.scoring import load

SAID = SpanContent(
    input_messages=(Message("user", (Part("text", "Where is my order?"),)),),
    output_messages=(Message("assistant", (Part("text", "On its way."),)),),
)
ALL = sorted(path for path in CAPTURES.iterdir() if path.is_dir())


def a_model(number, content=SAID, **changes):
    return a_step(span_id=a_span_id(number), start_ns=1_000 * number, ordinal=number, **changes), content


def a_tool(number, result=None, **changes):
    content = SpanContent(tool_arguments={"order": "A-1"}, tool_result=result)
    return a_model(number, content, kind=SpanKind.TOOL, tool_name="lookup", usage=None, cost=None, **changes)


def made(*told):
    steps = [step for step, _ in told]
    contents = {step.span_id: content for step, content in told}
    return recording_json(recorded(a_run(), outline(steps, {}), contents))


def test_exchanges_stand_in_the_order_they_were_asked_and_wrappers_are_left_out():
    recording = made(a_model(1, kind=SpanKind.AGENT), a_model(2), a_tool(3, "found"), a_model(4))
    assert [(e["number"], e["kind"]) for e in recording["exchanges"]] == [(1, "model"), (2, "tool"), (3, "model")]
    assert recording["exchanges"][0]["asked"]["messages"][0]["parts"][0]["content"] == "Where is my order?"
    assert recording["exchanges"][1]["answered"] == {"result": "found"}


def test_a_second_report_lends_what_the_counted_one_lacks_and_is_no_exchange_of_its_own():
    recording = made(a_model(1, SpanContent()), a_model(2, counted=False, duplicate_of=a_span_id(1)))
    (only,) = recording["exchanges"]
    assert only["span_id"] == a_span_id(1)
    assert only["answered"]["messages"]
    assert only["state"] == "completed"


def test_null_failed_and_absent_results_are_three_things():
    recording = made(
        a_tool(1, None, tool_outcome=ToolOutcome.EMPTY),
        a_tool(2, None, status=RunStatus.ERROR, error_type="TimeoutError"),
        a_tool(3, None),
    )
    assert [e["state"] for e in recording["exchanges"]] == ["completed", "failed", "absent"]
    assert len({e["answer_key"] for e in recording["exchanges"]}) == 3


def test_false_and_zero_are_answers():
    assert [e["state"] for e in made(a_tool(1, 0), a_tool(2, False))["exchanges"]] == ["completed"] * 2


def test_behaviour_does_not_depend_on_time_or_provider_ids_and_the_answer_does_not_depend_on_the_way():
    early = made(a_tool(1, "a", tool_call_id="call_1"), a_model(2))
    late = made(a_tool(7, "a", tool_call_id="toolu_9"), a_model(9))
    other = made(a_tool(1, "b", tool_call_id="call_1"), a_model(2))
    assert early["digest"] != late["digest"]
    assert early["behaviour_digest"] == late["behaviour_digest"]
    assert early["behaviour_digest"] != other["behaviour_digest"]
    assert early["answer_digest"] == other["answer_digest"]


@pytest.mark.parametrize("folder", ALL[::4], ids=lambda path: path.name)
def test_acceptance_31_shuffled_repeated_and_late_evidence_gives_the_same_recording(folder):
    """A few captures over their first traces here; `python -m tests.long.shuffles` does a hundred over any folder of captures."""
    items = items_of(load(folder), traces=5)
    store, runs = stored(items)
    first = [recording_json(read_recording(store, run)) for run in runs]
    assert any(recording["exchanges"] for recording in first)
    other, again = stored(items, seed=len(folder.name))
    assert [recording_json(read_recording(other, run)) for run in again] == first
