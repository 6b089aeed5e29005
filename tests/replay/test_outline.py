from __future__ import annotations

import random

from replay.outline import ExchangeKind, asked_of, outline
from spans.facts import AskedCall, Decision
from spans.kinds import SpanKind, Verdict
from tests.builders import SECOND_NS, a_span_id, a_step, some_facts
from tests.replay.house import items_of, stored
from tests.runs.scoring import load, recorded


def step(number, kind=SpanKind.MODEL, *, parent=None, at=None, lasts=1.0, **changes):
    plain = {"usage": None, "cost": None} if kind is not SpanKind.MODEL else {}
    return a_step(
        span_id=a_span_id(number),
        parent_span_id=a_span_id(parent) if parent else None,
        ordinal=number,
        kind=kind,
        start_ns=int((number if at is None else at) * SECOND_NS),
        duration_ns=int(lasts * SECOND_NS),
        **(plain | changes),
    )


def tool(number, name, call="", **changes):
    return step(number, SpanKind.TOOL, tool_name=name, tool_call_id=call, **changes)


def agent(number, name, **changes):
    return step(number, SpanKind.AGENT, agent_name=name, lasts=100, **changes)


def told(steps, asked=None):
    return [(m.step.tool_name or m.kind.value, m.branch, m.ordinal) for m in outline(steps, asked or {})]


def test_one_agent_is_one_line():
    steps = [agent(1, "refund"), step(2, parent=1), tool(3, "lookup", parent=1), step(4, parent=1)]
    assert told(steps) == [("model", (), 1), ("lookup", (), 2), ("model", (), 3)]


def test_agents_inside_agents_are_branches_with_their_occurrence():
    steps = [
        agent(1, "boss"),
        step(2, parent=1),
        agent(3, "writer", parent=1),
        step(4, parent=3),
        agent(5, "writer", parent=1),
        step(6, parent=5),
        tool(7, "search", parent=5),
    ]
    assert told(steps) == [
        ("model", (), 1),
        ("model", ("writer#1",), 1),
        ("model", ("writer#2",), 1),
        ("search", ("writer#2",), 2),
    ]


def test_calls_of_one_message_stand_in_the_order_of_the_message_however_they_ran():
    asked = {a_span_id(2): (AskedCall("c1", "a", ""), AskedCall("c2", "b", ""), AskedCall("c3", "c", ""))}
    for seed in range(10):
        times = random.Random(seed).sample([2.1, 2.2, 2.3], 3)
        steps = [agent(1, "x"), step(2, parent=1)]
        steps += [tool(3 + i, "abc"[i], f"c{i + 1}", parent=1, at=times[i]) for i in range(3)]
        steps += [step(9, parent=1)]
        assert [name for name, _, _ in told(steps, asked)] == ["model", "a", "b", "c", "model"]


def test_calls_without_ids_are_found_by_name_and_arguments():
    asked = {a_span_id(2): (AskedCall("", "get", "h1"), AskedCall("", "get", "h2"))}
    steps = [
        step(2),
        tool(3, "get", at=2.2, tool_arguments_hash="h1"),
        tool(4, "get", at=2.1, tool_arguments_hash="h2"),
    ]
    assert [m.step.tool_arguments_hash for m in outline(steps, asked)][1:] == ["h1", "h2"]


def test_sub_agents_of_one_message_are_numbered_by_their_calls():
    asked = {a_span_id(2): (AskedCall("c1", "research", ""), AskedCall("c2", "research", ""))}
    steps = [
        agent(1, "boss"),
        step(2, parent=1),
        tool(3, "research", "c1", parent=1, at=3.5, lasts=5),
        tool(4, "research", "c2", parent=1, at=3.1, lasts=5),
        agent(5, "researcher", parent=3, at=3.6),
        agent(6, "researcher", parent=4, at=3.2),
        step(7, parent=5, at=3.7, response_model="first"),
        step(8, parent=6, at=3.3, response_model="second"),
        tool(9, "web", parent=5, at=3.8),
        tool(10, "web", parent=6, at=3.4),
    ]
    branches = {m.step.response_model: m.branch for m in outline(steps, asked)}
    assert branches["first"] == ("research#1", "researcher#1")
    assert branches["second"] == ("research#2", "researcher#1")


def test_steps_that_run_beside_each_other_divide_the_run_without_an_agent():
    flow = {"kind": SpanKind.WORKFLOW, "lasts": 3}
    steps = [
        step(1, **flow, name="graph"),
        step(2, **flow, name="left", parent=1, at=2.0),
        step(3, **flow, name="right", parent=1, at=2.1),
        step(4, parent=2, at=2.2),
        step(5, parent=3, at=2.3),
        step(6, parent=1, at=9),
    ]
    assert told(steps) == [("model", ("left#1",), 1), ("model", ("right#1",), 1), ("model", (), 1)]


def test_second_reports_are_no_moments_of_their_own():
    steps = [step(1), step(2, counted=False, duplicate_of=a_span_id(1))]
    (only,) = outline(steps, {})
    assert [s.span_id for s in only.retold_by] == [a_span_id(2)]


def test_a_person_and_a_control_are_asked_too():
    human = Decision(Verdict.ALLOW, by="human")
    steps = [
        step(1, SpanKind.OTHER, decisions=(human,)),
        step(2, SpanKind.OTHER, decisions=(Decision(Verdict.DENY),)),
        step(3, SpanKind.OTHER),
    ]
    assert [m.kind for m in outline(steps, {})] == [ExchangeKind.HUMAN, ExchangeKind.GUARDRAIL]


def test_circles_and_missing_parents_end_nothing():
    steps = [step(1, parent=2), step(2, parent=1), step(3, parent=99)]
    assert len(outline(steps, {})) == 3


def test_shuffling_changes_nothing():
    steps = [agent(1, "a"), *(step(n, parent=1, at=n // 3) for n in range(2, 20))]
    first = outline(steps, {})
    for seed in range(20):
        random.Random(seed).shuffle(steps)
        assert outline(steps, {}) == first


def test_of_several_copies_of_facts_the_one_that_asks_for_more_counts():
    call = AskedCall("c", "a", "")
    facts = [some_facts(asked=()), some_facts(asked=(call,), content_hash="d" * 32)]
    assert list(asked_of(facts).values()) == [(call,)]


def test_a_call_that_only_a_later_message_tells_of_is_played_before_the_model_reads_its_result():
    made = [step(1), step(2), tool(3, "look", at=2, lasts=0, parent=2, flags=("synthetic",))]
    assert [m.step.ordinal for m in outline(made, {})] == [1, 3, 2]
    at_once = [step(1, at=2), step(2, at=2), tool(3, "look", at=2, lasts=0, parent=2, flags=("synthetic",))]
    assert [m.step.ordinal for m in outline(at_once, {})] == [1, 3, 2]


def test_behind_a_proxy_what_was_asked_for_runs_after_it_was_asked_for():
    """LiteLLM: a span around the request holds the results first, and counts for nothing; the calls inside it are the run's."""
    store, runs = stored(items_of(load(recorded()["litellm__otel-callback"])))
    seen = 0
    for run in runs:
        steps = store.read_steps(run.project, run.run_id)
        kinds = [m.kind for m in outline(steps, {})]
        if kinds.count(ExchangeKind.MODEL) == 2 and kinds.count(ExchangeKind.TOOL) == 3:
            assert kinds == [ExchangeKind.MODEL, *[ExchangeKind.TOOL] * 3, ExchangeKind.MODEL]
            seen += 1
    assert seen
