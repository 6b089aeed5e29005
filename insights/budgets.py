"""Budgets: what of a period's money is gone, how fast it burns, and when it will be gone; pure arithmetic over sums."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from spans.policy import Budget
from store.measures import Spent

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
RATE_NS = 7 * DAY_NS
"""The forecast spends on as the last seven days did."""
LEAST_RUNS = 3
"""A page needs this many runs in the short window: one dear run of a small workflow is not a burning budget."""


@dataclass(frozen=True, slots=True)
class BurnRule:
    """Speaks when money burns `factor` times as fast as the budget allows, in a long and in a short window."""

    factor: float
    long_ns: int
    short_ns: int
    pages: bool


BURN_RULES = (
    BurnRule(14.4, HOUR_NS, 300 * SECOND_NS, pages=True),
    BurnRule(6.0, 6 * HOUR_NS, 1_800 * SECOND_NS, pages=True),
    BurnRule(1.0, 3 * DAY_NS, 6 * HOUR_NS, pages=False),
)
"""The table of the Google SRE workbook: 2 %, 5 % and 10 % of a 30-day budget."""
WINDOWS = tuple(sorted({rule.long_ns for rule in BURN_RULES} | {rule.short_ns for rule in BURN_RULES} | {RATE_NS}))


class BudgetMode(StrEnum):
    """How a budget stands, the calm one first."""

    OK = "ok"
    TICKET = "ticket"
    PAGE = "page"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a budget, `until_ns` exclusive."""

    since_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class BudgetState:
    """How one budget stands at one moment."""

    budget: Budget
    period: Period
    spent_usd: Decimal
    share: float
    """Of the budget; over 1 when it is overspent."""
    per_day_usd: Decimal
    """Spend a day over the last seven days."""
    forecast_usd: Decimal
    """At the end of the period, if it goes on like that."""
    exhausted_ns: int | None
    """When it will be gone at that rate, or went: None when it lasts."""
    burns: tuple[tuple[BurnRule, float, float], ...]
    """Each rule with the burn of its long and its short window."""
    mode: BudgetMode

    @property
    def left_usd(self) -> Decimal:
        """What is left; negative when overspent."""
        return self.budget.usd - self.spent_usd


def period_of(budget: Budget, now_ns: int, timezone: str) -> Period:
    """The period that now lies in: a local day, a week from Monday, or 30 days counted from a Monday (1 January 2024)."""
    zone = zoneinfo.ZoneInfo(timezone)
    local = datetime.fromtimestamp(now_ns // SECOND_NS, UTC).astimezone(zone)
    anchor = datetime(2024, 1, 1, tzinfo=zone).date()
    days = (local.date() - anchor).days
    first = anchor + timedelta(days=days - days % budget.per_days)

    def start(day: int) -> int:
        on = first + timedelta(days=day)
        return int(datetime(on.year, on.month, on.day, tzinfo=zone).timestamp()) * SECOND_NS

    return Period(start(0), start(budget.per_days))


def moments_of(budget: Budget, now_ns: int, timezone: str) -> tuple[int, ...]:
    """Every moment since which `budget_state` asks for spend, so that one question can answer all of them."""
    return (period_of(budget, now_ns, timezone).since_ns, *(now_ns - window_ns for window_ns in WINDOWS))


def budget_state(
    budget: Budget, now_ns: int, timezone: str, spent_since: Callable[[int], Spent], exhausted_at: int | None = None
) -> BudgetState:
    """Judge a budget.

    Args:
        budget: From the policy.
        now_ns: The moment, in Unix nanoseconds.
        timezone: Whose days count.
        spent_since: Spend and runs that began between a moment and now; shadow runs left out.
        exhausted_at: When the budget of this period went, where the caller knows.
    """
    period = period_of(budget, now_ns, timezone)
    length = period.until_ns - period.since_ns
    spent = spent_since(period.since_ns)
    usd = budget.usd
    week = spent_since(now_ns - RATE_NS)
    rate = week.usd / RATE_NS
    rest = max(0, period.until_ns - now_ns)
    forecast = spent.usd + rate * rest
    exhausted: int | None = None
    if spent.usd >= usd:
        exhausted = exhausted_at or now_ns
    elif rate > 0 and forecast > usd:
        exhausted = now_ns + int((usd - spent.usd) / rate)
    burns = []
    mode = BudgetMode.OK
    for rule in BURN_RULES:
        long, short = spent_since(now_ns - rule.long_ns), spent_since(now_ns - rule.short_ns)
        long_burn, short_burn = _burn(long.usd, usd, rule.long_ns, length), _burn(short.usd, usd, rule.short_ns, length)
        burns.append((rule, long_burn, short_burn))
        if long_burn >= rule.factor and short_burn >= rule.factor and mode is BudgetMode.OK:
            if rule.pages and short.runs >= LEAST_RUNS:
                mode = BudgetMode.PAGE
            elif not rule.pages and forecast > usd:
                mode = BudgetMode.TICKET
    if spent.usd >= usd:
        mode = BudgetMode.SPENT
    share = float(spent.usd / usd) if usd else (1.0 if spent.usd else 0.0)
    return BudgetState(budget, period, spent.usd, share, rate * DAY_NS, forecast, exhausted, tuple(burns), mode)


def _burn(spent: Decimal, budget: Decimal, window_ns: int, period_ns: int) -> float:
    if not budget:
        return 0.0
    return float(spent / budget) * (period_ns / window_ns)
