"""The canary: rarely wrong however often one looks, and quick for a version that costs a third more."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from insights.canary import (
    ALPHA,
    LEAST_NEW,
    METRICS,
    Recommendation,
    always_valid_p,
    always_valid_rate_p,
    judge_version,
)
from insights.detectors.base import Inputs
from insights.detectors.versions import VERSIONS, version_pairs
from spans.finding import FindingKind, Severity
from spans.ids import RunId
from spans.kinds import OutcomeLabel, RunStatus
from spans.run import Assembly, Measures, Outcome
from store.measures import DAY_NS, VersionSpan
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run

SIGMA = 0.7
"""Of the logarithm of a run's cost: + 30 % are 0.37 of it."""


def costs(rng, count, factor=1.0):
    return [factor * rng.lognormvariate(-4, SIGMA) for _ in range(count)]


def looks(seed, factor, most=480):
    """(runs, recommendation) at every tenth run."""
    rng = random.Random(seed)
    old, new = costs(rng, 600), costs(rng, most, factor)
    for runs in range(LEAST_NEW, most + 1, 10):
        yield runs, judge_version({"cost_usd": new[:runs]}, {"cost_usd": old}).recommendation


def test_a_version_that_changes_nothing_is_rarely_called_worse():
    wrong = sum(any(r is Recommendation.ROLL_BACK for _, r in looks(seed, 1.0, 240)) for seed in range(40))
    assert wrong <= 2


def test_thirty_percent_more_cost_is_seen_within_a_hundred_runs():
    found = [next((n for n, r in looks(s, 1.3) if r is Recommendation.ROLL_BACK), math.inf) for s in range(15)]
    assert statistics.median(found) <= 100


def test_without_enough_runs_it_holds_and_says_how_many_are_missing():
    rng = random.Random(1)
    early = judge_version({"cost_usd": costs(rng, 5)}, {"cost_usd": costs(rng, 90)})
    assert (early.recommendation, early.needed_runs) == (Recommendation.HOLD, LEAST_NEW - 5)
    assert "5 of 20 runs" in early.reason
    waiting = judge_version({"cost_usd": costs(rng, 30)}, {"cost_usd": costs(rng, 90)})
    assert waiting.recommendation is Recommendation.HOLD
    assert waiting.needed_runs > 0


def test_a_version_that_is_no_worse_is_promoted_in_the_end():
    assert [r for _, r in looks(3, 1.0)][-1] is Recommendation.PROMOTE


def test_more_errors_roll_back_and_cheaper_runs_do_not():
    rng = random.Random(2)
    worse = judge_version({"error": [1.0] * 20 + [0.0] * 60}, {"error": [1.0] * 5 + [0.0] * 295})
    assert worse.recommendation is Recommendation.ROLL_BACK
    assert worse.reason == "Worse: errors."
    cheaper = judge_version({"cost_usd": costs(rng, 200, 0.5)}, {"cost_usd": costs(rng, 300)})
    assert cheaper.recommendation is not Recommendation.ROLL_BACK


@pytest.mark.parametrize(("new", "old"), [({}, {}), ({"cost_usd": [0.0] * 99}, {"cost_usd": [0.0] * 99})])
def test_nothing_to_compare_is_no_verdict_against_a_version(new, old):
    assert judge_version(new, old).recommendation is not Recommendation.ROLL_BACK


def rates(seed, before, after, most=480):
    rng = random.Random(seed)
    old = [float(rng.random() < before) for _ in range(600)]
    new = [float(rng.random() < after) for _ in range(most)]
    return new, old


def seen_after(metric, seed, before, after, most=480):
    """Runs after which a version with another rate is rolled back; infinite when it never is."""
    new, old = rates(seed, before, after, most)
    for runs in range(LEAST_NEW, most + 1, 10):
        if judge_version({metric: new[:runs]}, {metric: old}).recommendation is Recommendation.ROLL_BACK:
            return runs
    return math.inf


def test_a_fall_of_success_rolls_back_and_a_rise_does_not():
    found = [seen_after("success", seed, 0.9, 0.7) for seed in range(12)]
    assert statistics.median(found) <= 150
    assert all(map(math.isinf, (seen_after("success", seed, 0.7, 0.9, 240) for seed in range(6))))


@pytest.mark.parametrize(("metric", "rate"), [("success", 0.01), ("error", 0.97)])
def test_a_rate_that_can_hardly_be_worse_is_not_called_no_worse_too_early(metric, rate):
    """At one success in a hundred, not even none at all could be told apart within two hundred runs."""
    old = [1.0] * round(500 * rate) + [0.0] * round(500 * (1 - rate))
    new = [1.0] * round(200 * rate) + [0.0] * round(200 * (1 - rate))
    assert judge_version({metric: new}, {metric: old}).recommendation is Recommendation.HOLD


def test_more_denied_calls_roll_back():
    assert statistics.median(seen_after("denied", seed, 0.02, 0.12) for seed in range(9)) <= 200


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.9])
def test_a_rate_that_stays_is_rarely_called_worse_however_often_one_looks(rate):
    """Looked at after every run, at 5 %: of 60 series three may be wrong by the promise; a p-value of one look would be in twenty."""
    wrong = 0
    for seed in range(60):
        new, old = rates(1_000 + seed, rate, rate, 120)
        counts = [sum(new[:runs]) for runs in range(121)]
        wrong += any(always_valid_rate_p(round(counts[n]), n, round(sum(old)), 600) <= ALPHA for n in range(5, 121))
    assert wrong <= 5


def test_one_denial_among_few_runs_is_no_verdict():
    calm = [1.0] * 5 + [0.0] * 495
    assert (
        judge_version({"denied": [1.0] + [0.0] * 19}, {"denied": calm}).recommendation is not Recommendation.ROLL_BACK
    )
    assert always_valid_rate_p(1, 20, 5, 500) > 0.2
    assert always_valid_rate_p(0, 20, 0, 500) <= 1.0
    assert always_valid_rate_p(400, 400, 0, 5_000) < 1e-30
    assert always_valid_rate_p(3, 0, 3, 9) == always_valid_rate_p(3, 9, 0, 0) == 1.0


def test_the_chance_to_be_wrong_is_shared_out_whole():
    assert sum(metric.share for metric in METRICS) == pytest.approx(1.0)
    assert {metric.name for metric in METRICS} >= {"success", "denied", "cost_usd"}


def test_p_falls_with_runs_and_effect_and_never_exceeds_one():
    assert always_valid_p(0.0, 100, 1000) == 1.0
    assert always_valid_p(0.4, 100, 1000) < always_valid_p(0.4, 50, 1000) < always_valid_p(0.2, 50, 1000) <= 1.0
    assert always_valid_p(50.0, 1000, 1000) >= 0.0
    assert always_valid_p(1.0, 0, 10) == 1.0


def test_only_a_fresh_version_after_another_is_compared():
    def span(label, first_day, workflow="w"):
        return VersionSpan(workflow, "prod", label, 9, first_day * DAY_NS, 40 * DAY_NS)

    spans = [span("v1", 1), span("v2", 35), span("only", 3, "x"), span("a", 1, "old"), span("b", 2, "old")]
    assert [(a.label, b.label) for a, b in version_pairs(spans, 40 * DAY_NS)] == [("v1", "v2")]


def a_swap(factor, *, models=("m1", "m2"), versions=("", ""), good=0.9):
    """Two weeks of a workflow; in the last four days another model, at so many times the cost, with so many successes."""
    rng = random.Random(4)
    store, made = MemoryStore(), []
    for n in range(14 * 60):
        late = n >= 10 * 60
        run = a_run(
            run_id=RunId(f"{n + 1:032x}"),
            workflow="refunds",
            environment="prod",
            status=RunStatus.OK,
            started_ns=NOW_NS - 14 * DAY_NS + n * DAY_NS // 60,
            models=(models[late],),
            workflow_version=versions[late],
            outcome=Outcome(OutcomeLabel.SUCCESS if rng.random() < (good if late else 0.9) else OutcomeLabel.FAILURE),
        )
        cost = rng.lognormvariate(-4, SIGMA) * (factor if late else 1.0)
        made.append(Assembly(run, (), Measures({"cost_usd": cost, "latency_ms": rng.lognormvariate(7, 0.5)})))
    store.write_derived(made)
    return list(VERSIONS.evaluate(Inputs("default", NOW_NS - DAY_NS, NOW_NS, store)))


def test_another_model_opens_a_comparison_by_itself():
    (finding,) = a_swap(1.5)
    assert (finding.kind, finding.subject, finding.severity) == (FindingKind.VERSION, "model m2", Severity.TICKET)
    assert finding.summary.startswith("refunds model m2 against m1: roll back. ")
    assert finding.summary.endswith("240 runs of the new model.")
    assert finding.detail["recommendation"] == "roll_back"
    (calm,) = a_swap(1.0)
    assert calm.detail["recommendation"] != "roll_back"


def test_a_model_that_came_with_a_version_is_told_once():
    (finding,) = a_swap(1.5, versions=("v1", "v2"))
    assert finding.subject == "v2"
    assert a_swap(1.5, models=("m1", "m1")) == []


def test_a_version_that_succeeds_less_often_is_told_so_in_words():
    (finding,) = a_swap(1.0, versions=("v1", "v2"), good=0.6)
    assert finding.detail["recommendation"] == "roll_back"
    assert "roll back. Worse: successful runs 9" in finding.summary
    assert (finding.features[0].name, finding.features[0].unit) == ("success", "share")
    assert finding.features[0].after < 0.7 < 0.85 < finding.features[0].before
