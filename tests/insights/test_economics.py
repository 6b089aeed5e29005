from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest

from insights.economics import economics_of, interval_of, merged, t_quantile
from store.judged import EconomicsRow


def a_row(costs_and_success, **changes):
    costs = [Decimal(str(cost)) for cost, _ in costs_and_success]
    row = {
        "runs": len(costs),
        "jobs": len(costs),
        "success": sum(good for _, good in costs_and_success),
        "failure": sum(not good for _, good in costs_and_success),
        "cost_usd": sum(costs, Decimal(0)),
        "cost_squares": sum(float(c) ** 2 for c in costs),
        "cost_of_success": sum(float(c) for c, (_, good) in zip(costs, costs_and_success, strict=True) if good),
    }
    return EconomicsRow(**{**row, **changes})


def test_cost_per_success_counts_the_failures():
    found = economics_of(a_row([(1, True), (1, True), (4, False)], failed_usd=Decimal(4), tool_outcomes={"ok": 3}))
    assert found.cost_per_success == Decimal(3)
    assert found.success_rate == pytest.approx(2 / 3)
    assert found.wasted_share == pytest.approx(4 / 6)
    assert found.interval is None


def test_nothing_judged_gives_no_rate_and_no_cost():
    found = economics_of(EconomicsRow(runs=5, jobs=5, cost_usd=Decimal(5)))
    assert (found.cost_per_success, found.success_rate, found.judged_share) == (None, None, 0)


def test_unknown_jobs_pull_the_success_rate_down():
    assert economics_of(EconomicsRow(runs=10, jobs=10, success=5)).success_rate == 0.5


def test_rates_of_tool_calls_are_shares_of_all_calls():
    row = EconomicsRow(runs=4, success=2, tool_outcomes={"ok": 6, "error": 2, "denied": 1, "retried_then_ok": 1})
    found = economics_of(row)
    assert found.fault_rates == {"error": 0.2, "timeout": 0.0, "invalid_arguments": 0.0, "denied": 0.1}
    assert found.retries_per_success == 0.5


def test_equal_costs_and_no_failure_leave_nothing_uncertain():
    interval = interval_of(a_row([(2, True)] * 20))
    assert interval is not None
    assert float(interval.low) == pytest.approx(2)
    assert float(interval.high or 0) == pytest.approx(2)


def test_few_successes_among_many_runs_have_no_upper_end():
    interval = interval_of(a_row([(1, n < 5) for n in range(400)]))
    assert interval is not None
    assert interval.high is not None
    assert interval_of(a_row([(1, n < 5) for n in range(6)])) is not None
    rare = interval_of(a_row([(1, True)] * 5 + [(1, False)] * 10_000, runs=5))
    assert rare is not None


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = Random(11)
    covered = 0
    trials = 400
    for _ in range(trials):
        rows = [(math.exp(rng.gauss(-2, 0.9)), rng.random() < 0.8) for _ in range(120)]
        interval = interval_of(a_row(rows))
        assert interval is not None
        truth = math.exp(-2 + 0.9**2 / 2) / 0.8
        covered += float(interval.low) <= truth <= float(interval.high or math.inf)
    assert 0.90 <= covered / trials <= 0.99


@pytest.mark.parametrize(("degrees", "exact"), [(4, 2.776), (10, 2.228), (30, 2.042), (1000, 1.962)])
def test_the_quantile_of_student(degrees, exact):
    assert t_quantile(degrees) == pytest.approx(exact, rel=0.01)


def test_merging_rows_adds_what_can_be_added():
    one = a_row([(1, True), (2, False)], environment="a", tool_outcomes={"ok": 1})
    two = a_row([(3, True)], environment="b", tool_outcomes={"ok": 2, "error": 1})
    both = merged([one, two])
    assert (both.runs, both.success, both.cost_usd, both.environment) == (3, 2, Decimal(6), "")
    assert both.tool_outcomes == {"ok": 3, "error": 1}
    assert merged([]).cost_usd is None
