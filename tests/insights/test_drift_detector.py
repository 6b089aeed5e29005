"""The drift detector over a store: one finding per workflow and reference, dated, in words; silence with too few runs."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from insights.detectors.base import Inputs
from insights.detectors.drift import DRIFT, _Judged, _looks, _moved, learning, window_starts
from insights.drift import Change
from insights.feature_words import change_in_words, group_of, words_of
from insights.policies import PolicyBook
from insights.policy_file import parse_policy
from spans.change import Accepted, Mark, MarkKind
from spans.finding import FeatureChange, FindingKind
from spans.ids import RunId
from spans.kinds import RunStatus
from spans.run import Assembly, Measures
from store.measures import DAY_NS, Activity
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run

CHANGE = NOW_NS - 2 * DAY_NS
HOUR_NS = DAY_NS // 24


@cache
def a_fleet(per_day=45, days=10, cost_after=1.6, denied_after=0.02, seed=3, tools_after=("lookup", "issue_refund")):
    rng = random.Random(seed)
    made = []
    for n in range(per_day * days):
        at = NOW_NS - int((days - n / per_day) * DAY_NS) + 1
        late = at >= CHANGE
        numbers = {
            "cost_usd": rng.lognormvariate(-4, 0.3) * (cost_after if late else 1),
            "latency_ms": rng.lognormvariate(7, 0.3),
            "tool_calls": float(rng.randint(1, 4)),
        }
        flags = ["denied"] if rng.random() < (denied_after if late else 0.02) else []
        run = a_run(
            run_id=RunId(f"{n + 1:032x}"),
            workflow="refunds",
            environment="prod",
            started_ns=at,
            status=RunStatus.OK,
            user_id=f"u{n % 7}",
        )
        made.append(
            Assembly(run, (), Measures(numbers, tuple(flags), tools_after if late else ("lookup", "issue_refund")))
        )
    store = MemoryStore()
    store.write_derived(made)
    return store


def found(store, now_ns=NOW_NS, **more):
    return list(DRIFT.evaluate(Inputs("default", now_ns - DAY_NS, now_ns, store, **more)))


def test_a_change_is_one_finding_that_says_what_when_and_what_not():
    (finding,) = found(a_fleet())
    assert (finding.kind, finding.workflow, finding.subject) == (FindingKind.DRIFT, "refunds", "trailing")
    assert finding.features[0].name == "cost_usd"
    assert finding.features[0].after / finding.features[0].before == pytest.approx(1.6, abs=0.25)
    assert abs(finding.since_ns - CHANGE) <= 12 * HOUR_NS
    assert finding.summary.startswith("refunds changed on ")
    assert "cost per run $" in finding.summary
    assert "duration, tools and denials unchanged" in finding.summary
    assert finding.impact.writes == finding.impact.runs
    assert finding.impact.users == 7
    assert len(finding.run_ids) == len(set(finding.run_ids)) >= 6
    assert finding.detail["detection_ns"] == NOW_NS - finding.since_ns


def test_a_rate_that_rose_is_found_too():
    (finding,) = found(a_fleet(cost_after=1.0, denied_after=0.3))
    assert finding.features[0].name == "denied"
    assert finding.features[0].unit == "share"


def test_without_a_change_nothing_is_said():
    assert found(a_fleet(), CHANGE) == []


def test_with_too_few_runs_nothing_is_said_and_the_page_says_why():
    store = a_fleet(per_day=8)
    assert found(store) == []
    (activity,) = store.measures.activity("default", 0, NOW_NS)
    assert learning(activity, NOW_NS) == "Learning: 24 of 30 runs in the last three days."
    assert "day 3 of 7" in learning(Activity("w", "e", 90, NOW_NS - int(2.5 * DAY_NS), 40, 90, 1), NOW_NS)


def test_a_mark_near_the_change_is_named_and_dates_it():
    mark = Mark("default", "prod", "refunds", CHANGE + 7, MarkKind.MODEL, "gpt-5-mini")
    (finding,) = found(a_fleet(), changes=(mark,))
    assert finding.since_ns == CHANGE + 7
    assert "model gpt-5-mini first seen" in finding.summary


def test_what_was_accepted_is_the_new_reference():
    assert found(a_fleet(), accepted={("refunds", "prod"): Accepted(CHANGE)}) == []


def test_a_pinned_week_is_a_reference_of_its_own():
    pinned = Accepted(NOW_NS - 10 * DAY_NS, NOW_NS - 5 * DAY_NS, is_pinned=True)
    assert {f.subject for f in found(a_fleet(), accepted={("refunds", "prod"): pinned})} == {"trailing", "pinned"}


def test_what_is_dated_already_keeps_its_date_and_examples():
    (finding,) = found(a_fleet())
    known = {finding.fingerprint: finding}
    (again,) = found(a_fleet(), known=known)
    assert (again.since_ns, again.run_ids) == (finding.since_ns, finding.run_ids)


def test_windows_stretch_back_to_thirty_runs():
    assert window_starts(Activity("w", "e", 99, 0, 40, 99, 5), NOW_NS) == (NOW_NS - DAY_NS, NOW_NS - 3 * DAY_NS)
    stretched = NOW_NS - 2 * DAY_NS
    assert window_starts(Activity("w", "e", 99, 0, 20, 40, stretched), NOW_NS) == (stretched, NOW_NS - 3 * DAY_NS)
    assert window_starts(Activity("w", "e", 99, 0, 5, 29, 0), NOW_NS) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (FeatureChange("cost_usd", 0.011, 0.0144, 5, "usd"), "cost per run $0.011 → $0.014 (+31 %)"),
        (FeatureChange("cost_usd", 0, 2.5, 5, "usd"), "cost per run $0 → $2.50"),
        (FeatureChange("latency_ms", 800, 2100, 5, "ms"), "duration 800 ms → 2.1 s (+162 %)"),
        (FeatureChange("refusal", 0.01, 0.062, 5, "share"), "refusals 1.0 % → 6.2 %"),
        (FeatureChange("tools_refund", 0.5, 0.2, -5, "share"), "runs that use refund 50 % → 20 %"),
        (FeatureChange("arg_currency=usd", 0.5, 0.2, -5, "share"), "runs with currency = usd 50 % → 20 %"),
        (FeatureChange("retrieval_docs", 0, 5, 5), "documents retrieved 0 → 5"),
        (FeatureChange("tools", None, None, 5), "the order of tools changed"),
    ],
)
def test_changes_in_words(change, words):
    assert change_in_words(change) == words


def test_every_feature_has_words_and_most_a_group():
    assert words_of("score_helpful") == "score helpful"
    assert (group_of("tools_refund"), group_of("arg_amount"), group_of("cost_usd")) == ("tools", "arguments", "cost")


def test_what_nearly_moved_is_named_beside_what_surely_did_and_is_no_finding_alone():
    def one(feature, z, *, above=True):
        change = Change(z, 0.2, 1.0, 2.0, 100, 900, 1.0, above_floor=above)
        return _Judged(None, feature, is_rate=False, change=change)

    judged = [one("latency_ms", 3.6), one("cost_usd", -5.0), one("cost_usd", 4.2), one("tool_calls", 3.0)]
    assert [(m.feature, m.change.z) for m in _moved(judged)] == [("cost_usd", -5.0), ("latency_ms", 3.6)]
    assert _moved([one("cost_usd", 9.0, above=False)]) == []
    assert found(a_fleet(cost_after=1.18)) == []  # z 3.65


def test_hours_and_weekends_are_those_of_the_policys_time_zone():
    policy = parse_policy("workflow_id: w\ntimezone: Asia/Kolkata\n")
    inputs = Inputs("default", NOW_NS, NOW_NS, MemoryStore(), policies=PolicyBook({"w": policy}))
    activity = Activity("w", "e", 900, NOW_NS - 28 * DAY_NS, 700, 2_100, 1)
    assert {look.comparison.utc_offset_s for look in _looks(inputs, activity)} == {5 * 3600 + 1800}
    assert {look.comparison.utc_offset_s for look in _looks(inputs, replace(activity, workflow="other"))} == {0}


@pytest.mark.parametrize(
    ("runs", "days", "keep"), [(19_600, 28, 1_000), (40_000, 28, 500), (20_000, 14, 500), (9, 1, 1_000)]
)
def test_more_runs_than_a_reference_needs_are_sampled(runs, days, keep):
    activity = Activity("w", "e", runs, NOW_NS - days * DAY_NS, 700, 2_100, 1)
    looks = list(_looks(Inputs("default", NOW_NS, NOW_NS, MemoryStore()), activity))
    assert {look.comparison.keep_permille for look in looks} == {keep}


def test_examples_are_kept_by_what_they_are_examples_of():
    (finding,) = found(a_fleet())
    groups = finding.detail["examples"]
    assert [len(groups[name]) for name in ("since", "extreme", "before")] == [3, 3, 3]
    assert finding.run_ids == (*groups["since"], *groups["extreme"], *groups["before"])
    assert len(set(finding.run_ids)) == 9
    (denials,) = found(a_fleet(cost_after=1.0, denied_after=0.6))
    assert not denials.detail["examples"]["extreme"]  # yes and no have no extremes
    assert len(denials.detail["examples"]["before"]) == 3


def test_tools_whose_order_changed_are_not_called_unchanged():
    (finding,) = found(a_fleet(cost_after=1.0, tools_after=("issue_refund", "lookup")))
    assert finding.features[0].name == "tools"
    assert "tools" not in finding.detail["unchanged"]
    assert "duration" in finding.detail["unchanged"]
