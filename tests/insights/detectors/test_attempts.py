from __future__ import annotations

from insights.detectors.attempts import MALFORMED, NEAR_MISSES, VIOLATIONS
from insights.detectors.base import DAY_NS, HOUR_NS, Inputs
from spans.attempts import AttemptKind, AttemptReason, Followed, Harm
from spans.finding import Severity
from spans.ids import RunId
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_trace_id, an_assembly
from tests.store.judged_contract import an_attempt


def fill(*attempts_and_ages):
    store = MemoryStore()
    for number, (attempt, age_ns) in enumerate(attempts_and_ages, 1):
        at_ns = NOW_NS - age_ns
        made = an_attempt(**{**attempt, "at_ns": at_ns})
        store.write_derived([an_assembly(run_id=RunId(a_trace_id(number)), started_ns=at_ns, attempts=(made,))])
    return store


def state(detector, store):
    return list(detector.evaluate(Inputs("default", NOW_NS - DAY_NS, NOW_NS, store)))


FORBIDDEN = {"kind": AttemptKind.VIOLATION, "reason": AttemptReason.POLICY_FILE, "rule": "denied_tools"}


def test_a_forbidden_call_that_ran_pages_when_it_moves_money():
    (finding,) = state(VIOLATIONS, fill((FORBIDDEN, HOUR_NS)))
    assert finding.severity is Severity.PAGE
    assert finding.summary == "refunds: issue_refund ran once although denied_tools forbids it."
    (mild,) = state(VIOLATIONS, fill(({**FORBIDDEN, "harm": Harm.READ}, HOUR_NS)))
    assert mild.severity is Severity.TICKET


def test_a_kind_that_was_never_seen_is_stated_once_and_a_known_one_is_not():
    (finding,) = state(NEAR_MISSES, fill(({}, HOUR_NS)))
    assert "for the first time" in finding.summary
    assert state(NEAR_MISSES, fill(({}, HOUR_NS), ({}, 5 * DAY_NS))) == []


def test_going_round_a_control_is_stated_whatever_the_volume():
    around = {"followed": Followed.WENT_ROUND}
    (finding,) = state(NEAR_MISSES, fill((around, HOUR_NS), ({}, 5 * DAY_NS)))
    assert finding.severity is Severity.PAGE
    assert "went round it in 1 of 1" in finding.summary


def test_a_rate_that_doubled_is_stated():
    (finding,) = state(NEAR_MISSES, fill(*(({}, n * HOUR_NS) for n in range(1, 6)), ({}, 5 * DAY_NS)))
    assert "twice as often" in finding.summary


def test_what_happened_before_the_last_day_is_stated_when_nobody_looked_since():
    """After an outage, or when an agent sent late, the first look comes more than a day after the call."""
    store = fill((FORBIDDEN, 30 * HOUR_NS), ({"reason": AttemptReason.PERMISSION}, 40 * HOUR_NS))
    inputs = Inputs("default", NOW_NS - 3 * DAY_NS, NOW_NS, store)
    (violation,) = VIOLATIONS.evaluate(inputs)
    assert violation.since_ns == NOW_NS - 30 * HOUR_NS
    (near_miss,) = NEAR_MISSES.evaluate(inputs)
    assert "for the first time" in near_miss.summary
    assert VIOLATIONS.overlap_ns == 3 * DAY_NS


def test_a_rate_over_several_days_is_told_for_those_days():
    store = fill(*(({}, n * HOUR_NS) for n in range(1, 50)), ({}, 15 * DAY_NS))
    (finding,) = NEAR_MISSES.evaluate(Inputs("default", NOW_NS - 3 * DAY_NS, NOW_NS, store))
    assert "(49 times in 3 days)" in finding.summary


def test_malformed_calls_need_a_crowd():
    broken = {"kind": AttemptKind.MALFORMED, "reason": AttemptReason.INVALID_ARGS, "rule": ""}
    assert state(MALFORMED, fill((broken, HOUR_NS), (broken, 5 * DAY_NS))) == []
    (finding,) = state(MALFORMED, fill(*((broken, n * HOUR_NS) for n in range(1, 12)), (broken, 5 * DAY_NS)))
    assert finding.severity is Severity.INFO
