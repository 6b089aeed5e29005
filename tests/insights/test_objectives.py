from __future__ import annotations

from decimal import Decimal

from insights.economics import economics_of
from insights.objectives import objectives_of
from spans.policy import Targets
from store.judged import EconomicsRow


def judge(targets, **row):
    return {o.name: o for o in objectives_of(targets, economics_of(EconomicsRow(**row)))}


def test_the_error_budget_is_what_may_end_without_success():
    found = judge(Targets(success_rate=0.9), runs=200, jobs=200, success=188, failure=6, handed_off=4)["success_rate"]
    assert (found.measured, found.is_met, found.have) == (0.94, True, 200)
    assert round(found.allowed or 0, 6) == 20
    assert round(found.used or 0, 6) == 0.6


def test_a_service_level_and_the_tile_say_the_same_success_rate():
    """Unknown is never success: forty judged jobs of a thousand do not meet a target of 95 %."""
    row = EconomicsRow(runs=1_000, jobs=1_000, success=40)
    found = {o.name: o for o in objectives_of(Targets(success_rate=0.95), economics_of(row))}["success_rate"]
    assert (found.measured, found.is_met) == (economics_of(row).success_rate, False) == (0.04, False)


def test_without_any_judgement_the_success_rate_is_neither_met_nor_missed():
    found = judge(Targets(success_rate=0.95), runs=1_000, jobs=1_000)["success_rate"]
    assert (found.measured, found.is_met, found.used) == (None, None, None)


def test_too_little_data_is_neither_met_nor_missed():
    found = judge(Targets(success_rate=0.95, cost_per_success_usd=Decimal(1)), runs=5, jobs=5, failure=5)
    assert [o.is_met for o in found.values()] == [None, None]


def test_targets_of_cost_duration_and_interventions():
    targets = Targets(cost_per_success_usd=Decimal("0.20"), p95_duration_s=60, intervention_rate=0.1)
    found = judge(
        targets,
        runs=100,
        jobs=100,
        success=90,
        failure=10,
        cost_usd=Decimal(27),
        p95_duration_ns=30 * 10**9,
        intervened=20,
    )
    assert {name: o.is_met for name, o in found.items()} == {
        "cost_per_success_usd": False,
        "p95_duration_s": True,
        "intervention_rate": False,
    }
    assert found["intervention_rate"].used == 2.0


def test_a_target_of_one_allows_nothing():
    found = judge(Targets(success_rate=1.0), runs=40, jobs=40, success=39, failure=1)["success_rate"]
    assert (found.is_met, found.used) == (False, float("inf"))
