"""Evaluation: incremental, on a grid, over restarts and history; a detector that fails delays only itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from insights.detectors import DETECTORS, Detector
from insights.detectors.base import LAG_NS
from insights.detectors.duplicate_writes import DUPLICATE_WRITES
from spans.errors import BusyError
from spans.finding import FindingKind, FindingState
from spans.kinds import RunStatus
from spans.run import Assembly
from store.api import RunQuery
from store.ledger import Ledger
from store.ledger.findings import FindingQuery
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_finding, a_run
from tests.insights.detectors.test_duplicate_writes import write
from tracetape.evaluator import AT_ONCE_NS, FIRST_NS, Evaluator

HOUR = 3_600_000_000_000
NOON = NOW_NS // HOUR * HOUR


class Probe:
    """A detector that notes what it is asked and states what it is told to."""

    def __init__(self, kind=FindingKind.LOOP, **changes):
        self.asked = []
        self.states = lambda _inputs: []
        self.detector = Detector(kind.value, (kind,), HOUR, self._evaluate, overlap_ns=0, quiet_ns=12 * HOUR)
        self.detector = replace(self.detector, **changes)

    def _evaluate(self, inputs):
        self.asked.append((inputs.project, inputs.since_ns, inputs.now_ns))
        return self.states(inputs)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


class Now:
    def __init__(self, ns=NOON + LAG_NS):
        self.ns = ns

    def __call__(self):
        return self.ns


def a_store():
    store = MemoryStore()
    store.write_derived([Assembly(a_run(), ())])
    return store


def an_evaluator(ledger, *probes, now=None, told=None):
    """One that has looked once: the first look at a project only notes how much history it has."""
    told = told if told is not None else []
    evaluator = Evaluator(a_store(), ledger, [p.detector for p in probes], clock_ns=now or Now(), told=told.extend)
    evaluator.evaluate_due()
    return evaluator


def loops(ledger):
    return ledger.findings.list(FindingQuery("default", kinds=("loop",)))


def a_loop(**changes):
    return a_finding(kind=FindingKind.LOOP, **changes)


def test_the_list_of_detectors_shares_no_names_and_no_kinds():
    names, kinds = [d.name for d in DETECTORS], [kind for d in DETECTORS for kind in d.kinds]
    assert len(names) == len(set(names))
    assert len(kinds) == len(set(kinds))


def test_a_detector_is_asked_once_per_moment_of_its_grid(ledger):
    probe, now = Probe(), Now()
    evaluator = an_evaluator(ledger, probe, now=now)
    evaluator.evaluate_due()
    evaluator.evaluate_due()
    assert probe.asked == [("default", NOON - FIRST_NS, NOON)]
    now.ns += HOUR - 1
    evaluator.evaluate_due()
    now.ns += 1
    evaluator.evaluate_due()
    assert probe.asked[1:] == [("default", NOON, NOON + HOUR)]


def test_it_looks_back_by_its_overlap(ledger):
    probe, now = Probe(overlap_ns=3 * HOUR), Now()
    evaluator = an_evaluator(ledger, probe, now=now)
    evaluator.evaluate_due()
    now.ns += HOUR
    evaluator.evaluate_due()
    assert probe.asked[-1] == ("default", NOON - 3 * HOUR, NOON + HOUR)


def test_a_restart_continues_where_the_last_one_ended(ledger):
    probe, now = Probe(), Now()
    an_evaluator(ledger, probe, now=now).evaluate_due()
    now.ns += 3 * HOUR
    an_evaluator(ledger, probe, now=now).evaluate_due()
    assert [at for _, _, at in probe.asked] == [NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]


def test_a_long_pause_is_one_look_with_everything_since_in_view(ledger):
    probe, now = Probe(), Now()
    an_evaluator(ledger, probe, now=now).evaluate_due()
    now.ns += 300 * HOUR
    an_evaluator(ledger, probe, now=now).evaluate_due()
    assert probe.asked[1:] == [("default", NOON, NOON + 300 * HOUR)]


def test_after_a_long_pause_everything_since_stays_in_view_until_what_waits_is_stored(ledger):
    """A look straight after an outage sees only what is assembled by then; the rest is older than any overlap."""
    probe, now, behind = Probe(), Now(), [True]
    an_evaluator(ledger, probe, now=now).evaluate_due()
    now.ns += 300 * HOUR
    evaluator = Evaluator(a_store(), ledger, [probe.detector], clock_ns=now, waiting=lambda: behind[0])
    evaluator.evaluate_due()
    evaluator.evaluate_due()
    assert probe.asked[1:] == [("default", NOON, NOON + 300 * HOUR)]  # at once, and once per moment of the grid
    behind[0] = False
    evaluator.evaluate_due()
    evaluator.evaluate_due()
    assert probe.asked[2:] == [("default", NOON, NOON + 300 * HOUR)]
    now.ns += HOUR
    evaluator.evaluate_due()
    assert probe.asked[3:] == [("default", NOON + 300 * HOUR, NOON + 301 * HOUR)]


def test_a_server_that_always_has_something_waiting_is_held_for_an_hour_at_most(ledger):
    probe, now = Probe(every_ns=5 * MINUTE), Now()
    an_evaluator(ledger, probe, now=now).evaluate_due()
    now.ns += 300 * HOUR
    evaluator = Evaluator(a_store(), ledger, [probe.detector], clock_ns=now, waiting=lambda: True)
    steps_of(evaluator, now, 14)
    assert [since for _, since, _ in probe.asked[1:]] == [NOON] * 13 + [NOON + 300 * HOUR + 65 * MINUTE]


def test_a_failing_detector_delays_only_itself_and_is_asked_again(ledger, caplog):
    def fail(_inputs):
        raise ZeroDivisionError

    bad, good, now = Probe(FindingKind.DRIFT), Probe(), Now()
    bad.states = fail
    good.states = lambda _: [a_loop()]
    evaluator = an_evaluator(ledger, bad, good, now=now)
    evaluator.evaluate_due()
    assert len(loops(ledger)) == 1
    assert {s.name: s.failures for s in evaluator.status()} == {"drift": 1, "loop": 0}
    evaluator.evaluate_due()
    assert len(bad.asked) == 1  # put off
    bad.states = lambda _: [a_finding()]
    an_evaluator(ledger, bad, good, now=now).evaluate_due()
    assert bad.asked[-1] == bad.asked[0]  # the same moment: nothing was lost
    assert len(ledger.findings.list(FindingQuery("default"))) == 2


def test_a_detector_cannot_state_the_kinds_of_another(ledger):
    probe = Probe()
    probe.states = lambda _: [a_finding()]
    evaluator = an_evaluator(ledger, probe)
    evaluator.evaluate_due()
    assert ledger.findings.list(FindingQuery("default")) == ()
    assert evaluator.status()[0].failures == 1


def test_news_is_told_once_after_it_is_stored(ledger):
    told, now, probe = [], Now(), Probe()
    probe.states = lambda _: [a_loop()]
    evaluator = an_evaluator(ledger, probe, now=now, told=told)
    evaluator.evaluate_due()
    now.ns += HOUR
    evaluator.evaluate_due()
    assert [(f.kind, f.detected_ns) for f in told] == [(FindingKind.LOOP, NOON)]
    probe.states = lambda _: []
    for _ in range(12):
        now.ns += HOUR
        evaluator.evaluate_due()
    assert [f.state for f in told] == [FindingState.OPEN, FindingState.CLOSED]


def test_history_gives_the_findings_that_live_evaluation_gave(ledger, tmp_path):
    """Same detectors, same moments: the same findings, with the same ids."""

    def states(inputs):
        return [a_loop()] if NOON + 3 * HOUR <= inputs.now_ns < NOON + 6 * HOUR else []

    live, now = Probe(), Now()
    live.states = states
    evaluator = an_evaluator(ledger, live, now=now)
    for _ in range(24):
        evaluator.evaluate_due()
        now.ns += HOUR
    again = Ledger.open(f"sqlite:///{tmp_path / 'again.sqlite'}")
    history = Probe()
    history.states = states
    for _ in range(2):  # twice on purpose: evaluating again changes nothing
        made = list(an_evaluator(again, history).evaluate_history("default", NOON - HOUR, NOON + 23 * HOUR, HOUR))
        assert [at for at, _ in made] == [NOON + n * HOUR for n in range(24)]
        assert loops(again) == loops(ledger)
    again.close()


def test_a_detector_is_told_whether_its_moment_is_history(ledger):
    probe, now, told = Probe(), Now(NOON + 24 * HOUR + LAG_NS), []
    probe.states = lambda inputs: told.append(inputs.is_past) or []
    evaluator = an_evaluator(ledger, probe, now=now)
    evaluator.evaluate_due()
    list(evaluator.evaluate_history("default", NOON, NOON + 2 * HOUR, HOUR))
    assert told == [False, True, True]


def test_history_asks_for_each_window_and_tells_nobody(ledger):
    told, probe = [], Probe()
    probe.states = lambda _: [a_loop()]
    evaluator = an_evaluator(ledger, probe, told=told)
    assert list(evaluator.evaluate_history("default", NOON, NOON + 13 * HOUR, 6 * HOUR)) == [
        (NOON + 6 * HOUR, 1),
        (NOON + 12 * HOUR, 0),
        (NOON + 13 * HOUR, 0),
    ]
    assert [(since, at) for _, since, at in probe.asked] == [
        (NOON, NOON + 6 * HOUR),
        (NOON + 6 * HOUR, NOON + 12 * HOUR),
        (NOON + 12 * HOUR, NOON + 13 * HOUR),
    ]
    assert told == []


def test_the_history_of_a_new_project_is_judged_once_it_has_arrived_and_only_late_news_is_told(ledger):
    told, probe, now = [], Probe(), Now()
    store = MemoryStore()
    old = [a_run(run_id=f"{n + 1:032x}", started_ns=NOON - 60 * HOUR + n, status=RunStatus.OK) for n in range(3)]
    store.write_derived([Assembly(old[0], ())])
    probe.states = lambda inputs: [a_loop(subject=str(inputs.now_ns))]
    evaluator = Evaluator(store, ledger, [probe.detector], clock_ns=now, told=told.extend)
    evaluator.evaluate_due()
    store.write_derived([Assembly(run, ()) for run in old])
    evaluator.evaluate_due()
    assert probe.asked == []  # still pouring in
    evaluator.evaluate_due()
    assert [at for _, _, at in probe.asked] == [NOON - n * 6 * HOUR for n in range(9, -1, -1)]
    assert len(loops(ledger)) == 10
    assert {f.detected_ns for f in told if f.state is FindingState.OPEN} == {NOON - n * 6 * HOUR for n in range(4)}
    evaluator.evaluate_due()
    assert len(probe.asked) == 10


def test_history_that_arrives_newest_first_is_waited_for(ledger):
    probe, store = Probe(), MemoryStore()
    evaluator = Evaluator(store, ledger, [probe.detector], clock_ns=Now())
    for n in range(4):
        run = a_run(run_id=f"{n + 1:032x}", started_ns=NOON - n * 24 * HOUR - 2 * HOUR, status=RunStatus.OK)
        store.write_derived([Assembly(run, ())])
        evaluator.evaluate_due()
        assert probe.asked == []
    evaluator.evaluate_due()
    assert next(at for _, _, at in probe.asked) <= NOON - 3 * 24 * HOUR


def test_new_runs_of_a_busy_project_are_no_history_that_pours_in(ledger):
    probe, store = Probe(), MemoryStore()
    evaluator = Evaluator(store, ledger, [probe.detector], clock_ns=Now())
    for n in range(2):
        store.write_derived([Assembly(a_run(run_id=f"{n + 1:032x}", started_ns=NOON - n, status=RunStatus.OK), ())])
        evaluator.evaluate_due()
    assert len(probe.asked) == 1


def test_what_looks_every_minute_waits_for_nothing(ledger):
    probe = Probe(every_ns=AT_ONCE_NS)
    Evaluator(a_store(), ledger, [probe.detector], clock_ns=Now()).evaluate_due()
    assert len(probe.asked) == 1


def test_new_versions_models_prompts_and_tool_schemas_mark_themselves_before_drift_is_looked_for(ledger):
    was = {
        "workflow_version": "v1",
        "models": ("m1",),
        "prompts": ("h1:1",),
        "tool_schemas": {"refund": "aaaaaaaaaaaa"},
    }
    now = {
        "workflow_version": "v2",
        "models": ("m2",),
        "prompts": ("h1:2",),
        "tool_schemas": {"refund": "bbbbbbbbbbbb"},
    }
    store = MemoryStore()
    runs = [
        a_run(run_id=f"{n + 1:032x}", started_ns=NOON - (9 - n) * HOUR, **(was if n < 5 else now)) for n in range(8)
    ]
    store.write_derived([Assembly(run, ()) for run in runs])
    probe = Probe(marks_changes=True)
    seen = []
    probe.states = lambda inputs: seen.extend(m.sentence for m in inputs.changes) or []
    evaluator = Evaluator(store, ledger, [probe.detector], clock_ns=Now())
    evaluator.evaluate_due()
    evaluator.evaluate_due()
    assert sorted(seen) == [
        "model m2 first seen",
        "prompt h1:2 first seen",
        "tool schema refund bbbbbbbb first seen",
        "version v2 first seen",
    ]
    assert {mark.at_ns for mark in ledger.marks.list("default")} == {NOON - 4 * HOUR}


def test_a_repeated_write_is_told_at_the_next_minute_and_not_minutes_later(ledger):
    told, now, store = [], Now(NOON - 30 * 10**9), a_store()
    evaluator = Evaluator(store, ledger, [DUPLICATE_WRITES], clock_ns=now, told=told.extend)
    evaluator.evaluate_due()
    for n in (1, 2):
        store.write_derived([write(n, NOON - 20 * 10**9 + n)])
    now.ns = NOON + 10**9
    evaluator.evaluate_due()
    assert [f.kind for f in told] == [FindingKind.DUPLICATE_WRITE]


def test_what_compares_amounts_waits_for_spans_that_are_on_their_way():
    assert {d.name for d in DETECTORS if not d.lag_ns} == {"duplicate_write", "violation", "loops", "exposure"}


def test_stop_works_before_start_and_twice(ledger):
    evaluator = an_evaluator(ledger)
    evaluator.stop()
    evaluator.stop()


MINUTE = 60_000_000_000


def steps_of(evaluator, now, count, minutes=5):
    """Look every few minutes; the clock stands there afterwards."""
    for _ in range(count):
        now.ns += minutes * MINUTE
        evaluator.evaluate_due()


def test_while_nothing_is_written_a_look_an_hour_is_enough_and_what_is_written_is_looked_at_when_it_is_due(ledger):
    probe, now, written = Probe(every_ns=5 * MINUTE), Now(), {"default": 1}
    evaluator = Evaluator(a_store(), ledger, [probe.detector], clock_ns=now, moved=written.__getitem__)
    evaluator.evaluate_due()
    evaluator.evaluate_due()
    looks = len(probe.asked)
    steps_of(evaluator, now, 4)  # until a look reaches far enough beyond the write
    assert len(probe.asked) == looks + 4
    steps_of(evaluator, now, 11)
    assert len(probe.asked) == looks + 4
    steps_of(evaluator, now, 1)
    assert probe.asked[looks + 4 :] == [("default", NOON + 20 * MINUTE, NOON + 80 * MINUTE)]
    written["default"] += 1
    steps_of(evaluator, now, 2)
    assert [at for _, _, at in probe.asked[looks + 5 :]] == [NOON + 85 * MINUTE, NOON + 90 * MINUTE]


def test_a_run_that_is_written_after_the_moment_of_a_look_is_seen_by_the_next_one(ledger):
    """A look judges a moment that lies behind the clock: the one made just after a write does not see what was written."""
    seen, now, store, written = [], Now(), a_store(), {"default": 1}
    probe = Probe(every_ns=5 * MINUTE)
    probe.states = lambda inputs: (
        seen.append({r.run_id for r in store.find_runs(RunQuery("default", until_ns=inputs.now_ns)).rows}) or []
    )
    evaluator = Evaluator(store, ledger, [probe.detector], clock_ns=now, moved=written.__getitem__)
    evaluator.evaluate_due()
    steps_of(evaluator, now, 12)
    now.ns += 5 * MINUTE
    late = a_run(run_id="f" * 32, started_ns=now.ns - 1, status=RunStatus.OK)
    store.write_derived([Assembly(late, ())])
    written["default"] += 1
    evaluator.evaluate_due()
    seen.clear()
    steps_of(evaluator, now, 2)
    assert any(late.run_id in runs for runs in seen)


def test_over_history_a_busy_store_is_waited_for_and_no_moment_is_skipped(ledger, monkeypatch):
    monkeypatch.setattr("tracetape.evaluator.BUSY_PAUSES_S", (0.01, 0.01, 0.01))
    probe, busy = Probe(), [2, 0]

    def states(inputs):
        if busy[0]:
            busy[0] -= 1
            raise BusyError("busy")
        return []

    probe.states = states
    evaluator = Evaluator(a_store(), ledger, [probe.detector], clock_ns=Now())
    moments = [at for at, _ in evaluator.evaluate_history("default", NOON - 2 * HOUR, NOON, HOUR)]
    assert moments == [NOON - HOUR, NOON]
    assert [at for _, _, at in probe.asked] == [NOON - HOUR] * 3 + [NOON]
    busy[0] = 100
    with pytest.raises(BusyError):
        list(evaluator.evaluate_history("default", NOON - HOUR, NOON, HOUR))
