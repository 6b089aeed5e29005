"""Loops of one run."""

from __future__ import annotations

import pytest

from insights.loops import find_loops
from spans.kinds import SpanKind
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_step


def calls(*tools, start=0, **changes):
    return [
        a_step(
            kind=SpanKind.TOOL,
            span_id=a_span_id(start + n + 1),
            ordinal=start + n,
            start_ns=NOW_NS + (start + n) * SECOND_NS,
            **{"tool_name": tool, "tool_arguments_hash": "f00d", **changes},
        )
        for n, tool in enumerate(tools)
    ]


def test_five_identical_calls_in_a_row_are_a_loop():
    (loop,) = find_loops(calls("get_order", *["search"] * 5, "refund"))
    assert (loop.rule, loop.tool, loop.calls) == ("identical_calls", "search", 5)
    assert (loop.first, loop.last) == (a_span_id(2), a_span_id(6))
    assert loop.sentence == "search was called 5 times in a row with equal arguments."


@pytest.mark.parametrize(
    "steps",
    [
        [],
        calls(*["search"] * 4),
        calls(*["search", "get_order"] * 6),
        calls(*["search"] * 3) + calls(*["search"] * 3, start=3, tool_arguments_hash="beef"),
        calls(*["search"] * 8, counted=False),
        calls(*["search"] * 9, tool_arguments_hash=""),
        calls(*[""] * 20),
    ],
)
def test_it_is_no_loop(steps):
    assert find_loops(steps) == ()


def test_ten_calls_of_one_tool_whose_arguments_nobody_recorded_are_a_loop():
    (loop,) = find_loops(calls(*["search"] * 10, tool_arguments_hash=""))
    assert loop.rule == "same_tool"
    assert "not recorded" in loop.sentence


def test_agents_at_work_at_the_same_time_are_looked_at_one_by_one():
    mixed = [
        step
        for n in range(5)
        for name in ("anna", "ben")
        for step in calls(f"search_{name}", start=2 * n + (name == "ben"), agent_name=name)
    ]
    assert [loop.tool for loop in find_loops(mixed)] == ["search_anna", "search_ben"]
    assert find_loops(reversed(mixed)) == find_loops(mixed)


def test_far_more_calls_than_usual_are_a_loop():
    steps = calls(*["a", "b", "c"] * 5)
    assert find_loops(steps, usual_calls=5) == ()
    (loop,) = find_loops(steps, usual_calls=4)
    assert (loop.rule, loop.calls) == ("many_calls", 15)
    assert find_loops(calls("a", "b", "c"), usual_calls=0) == ()
