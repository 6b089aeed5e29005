from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from insights.budgets import DAY_NS, HOUR_NS, BudgetMode, budget_state, moments_of, period_of
from spans.policy import Budget
from store.measures import Spent

DAILY = Budget(Decimal(24), 1)


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


NOW = at("2026-11-25T12:00:00")


def a_state(budget=DAILY, now_ns=NOW, runs=100, **spent_by_hours):
    """`h1=3` is: 3 USD began less than an hour ago; every longer window holds the shorter ones."""
    amounts = {int(name[1:]): Decimal(str(usd)) for name, usd in spent_by_hours.items()}

    def since(since_ns):
        hours = (now_ns - since_ns) / HOUR_NS
        usd = max((usd for limit, usd in amounts.items() if limit <= hours + 1e-9), default=Decimal(0))
        return Spent(usd, runs)

    return budget_state(budget, now_ns, "UTC", since)


@pytest.mark.parametrize(
    ("per_days", "now", "zone", "since", "until"),
    [
        (1, "2026-11-25T12:00:00", "UTC", "2026-11-25T00:00:00", "2026-11-26T00:00:00"),
        (1, "2026-11-25T23:30:00", "Europe/Berlin", "2026-11-25T23:00:00", "2026-11-26T23:00:00"),
        (7, "2026-11-25T12:00:00", "UTC", "2026-11-23T00:00:00", "2026-11-30T00:00:00"),
        (1, "2026-03-29T12:00:00", "Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
    ],
)
def test_periods_are_local_days_and_weeks_that_begin_on_monday(per_days, now, zone, since, until):
    period = period_of(Budget(Decimal(1), per_days), at(now), zone)
    assert (period.since_ns, period.until_ns) == (at(since), at(until))


def test_thirty_days_contain_now_and_last_thirty_days():
    period = period_of(Budget(Decimal(1), 30), NOW, "UTC")
    assert period.since_ns <= NOW < period.until_ns
    assert period.until_ns - period.since_ns == 30 * DAY_NS


def test_a_budget_that_lasts_has_no_date_of_exhaustion():
    state = a_state(h12=6, h168=42)
    assert (state.mode, state.share, state.exhausted_ns) == (BudgetMode.OK, 0.25, None)
    assert state.per_day_usd == pytest.approx(Decimal(6))
    assert state.forecast_usd == pytest.approx(Decimal(9))


def test_the_date_of_exhaustion_follows_the_rate_of_the_week():
    state = a_state(h12=12, h168=336)
    assert state.exhausted_ns == NOW + 6 * HOUR_NS
    assert state.left_usd == 12


def test_a_spent_budget_says_so():
    assert a_state(h12=24).mode is BudgetMode.SPENT


def test_an_hour_that_burns_fourteen_times_too_fast_pages():
    monthly = Budget(Decimal(720), 30)
    assert a_state(monthly, h0=Decimal("1.3"), h1=15).mode is BudgetMode.PAGE
    assert a_state(monthly, h0=Decimal("1.3"), h1=15, runs=2).mode is BudgetMode.OK
    assert a_state(monthly, h1=15).mode is BudgetMode.OK


def test_a_budget_of_nothing_is_spent_by_anything():
    assert budget_state(Budget(Decimal(0), 1), NOW, "UTC", lambda _: Spent(Decimal(1), 1)).mode is BudgetMode.SPENT


def test_every_moment_that_is_asked_for_is_told_beforehand():
    budget = Budget(Decimal(100), 30)
    asked = []

    def since(since_ns):
        asked.append(since_ns)
        return Spent()

    budget_state(budget, NOW, "Europe/Paris", since)
    assert set(asked) == set(moments_of(budget, NOW, "Europe/Paris"))
