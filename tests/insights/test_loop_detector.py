from __future__ import annotations

from insights.detectors.base import DAY_NS, HOUR_NS, Inputs
from insights.detectors.loops import LOOPS
from spans.finding import FindingKind
from spans.ids import RunId
from spans.kinds import RunStatus
from spans.run import Assembly, Measures
from store.measures import LEAST_USUAL
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run


def test_the_first_run_that_repeats_itself_is_found_at_once():
    store = MemoryStore()
    for n, flags in enumerate([(), ("loop",), ()]):
        run = a_run(run_id=RunId(f"{n + 1:032x}"), workflow="refunds", environment="prod", started_ns=NOW_NS - 3 + n)
        store.write_derived([Assembly(run, (), Measures({}, flags, ("search",) * 6))])
    (finding,) = LOOPS.evaluate(Inputs("default", NOW_NS - HOUR_NS, NOW_NS, store))
    assert (finding.kind, finding.workflow, finding.since_ns) == (FindingKind.LOOP, "refunds", NOW_NS - 2)
    assert finding.run_ids == (RunId(f"{2:032x}"),)
    assert finding.summary == (
        "refunds: 1 run calls a tool at least 5 times in a row with equal arguments, or 10 times where none were "
        "recorded, mostly search."
    )
    assert list(LOOPS.evaluate(Inputs("default", NOW_NS + HOUR_NS, NOW_NS + 2 * HOUR_NS, store))) == []


def test_a_run_that_begins_to_repeat_itself_after_hours_is_found():
    """Long runs are those that loop: what counts is when they were last seen going, not when they began."""
    store = MemoryStore()
    run = a_run(run_id=RunId("a" * 32), workflow="refunds", started_ns=NOW_NS - 9 * HOUR_NS, duration_ns=9 * HOUR_NS)
    store.write_derived([Assembly(run, (), Measures({}, ("loop",), ("search",) * 6))])
    (finding,) = LOOPS.evaluate(Inputs("default", NOW_NS - 3 * HOUR_NS, NOW_NS, store))
    assert finding.run_ids == (run.run_id,)


def a_store(before, calls):
    store = MemoryStore()
    for n in range(before + 1):
        at = NOW_NS - HOUR_NS // 2 if n == before else NOW_NS - DAY_NS - n
        run = a_run(
            run_id=RunId(f"{n + 1:032x}"), workflow="refunds", environment="prod", started_ns=at, status=RunStatus.OK,
            tool_calls=calls if n == before else n % 5,
        )  # fmt: skip
        store.write_derived([Assembly(run, (), Measures({}, (), ("search", "read")))])
    return store


def looked_at(store):
    return list(LOOPS.evaluate(Inputs("default", NOW_NS - HOUR_NS, NOW_NS, store)))


def test_far_more_calls_than_usual_are_a_loop_even_when_no_two_are_equal():
    (finding,) = looked_at(a_store(before=LEAST_USUAL, calls=13))
    assert finding.summary == "refunds: 1 run makes up to 13 tool calls, 99 of 100 runs at most 4."
    assert finding.run_ids == (RunId(f"{LEAST_USUAL + 1:032x}"),)


def test_neither_a_busy_run_nor_a_young_workflow_is_called_a_loop():
    assert not looked_at(a_store(before=LEAST_USUAL, calls=12))
    assert not looked_at(a_store(before=LEAST_USUAL - 1, calls=500))


def test_the_tool_that_is_repeated_is_not_one_of_runs_that_only_call_much():
    store = a_store(before=LEAST_USUAL, calls=40)
    ended = {"workflow": "refunds", "environment": "prod", "started_ns": NOW_NS - 9, "status": RunStatus.OK}
    busy = a_run(run_id=RunId("d" * 32), tool_calls=39, **ended)
    store.write_derived([Assembly(busy, (), Measures({}, (), ("search", "read") * 20))])
    looped = a_run(run_id=RunId("e" * 32), **ended)
    store.write_derived([Assembly(looped, (), Measures({}, ("loop",), ("lookup",) * 6))])
    (finding,) = looked_at(store)
    assert "mostly lookup; 2 runs make up to 40 tool calls" in finding.summary
    assert finding.impact.tools == ("lookup", "read", "search")
