"""What a success costs, with an interval, and the rates around it: pure arithmetic over the sums that the store made.

Cost per success is all spend of a workflow, failures included, divided by its successful jobs. Its interval is Fieller's
for a ratio of two means (decision 0009): both the cost of a run and whether it succeeded vary, and they vary together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from spans.kinds import ToolOutcome
from store.judged import EconomicsRow

LEAST_SUCCESSES = 5
"""Below this there is no interval: the normal approximation behind it says nothing."""

FAULTS = (ToolOutcome.ERROR, ToolOutcome.TIMEOUT, ToolOutcome.INVALID_ARGUMENTS, ToolOutcome.DENIED)
"""Tool outcomes that are shown as a rate each; a retry that worked is counted apart."""


@dataclass(frozen=True, slots=True)
class Interval:
    """95 %; `high` is None where the successes are too few to bound it."""

    low: Decimal
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Economics:
    """What one key of a table says. Rates are between 0 and 1, None where there is nothing to divide by."""

    key: str
    environment: str
    row: EconomicsRow
    cost_per_success: Decimal | None
    interval: Interval | None
    success_rate: float | None
    escalation_rate: float | None
    intervention_rate: float | None
    judged_share: float | None
    """Share of jobs that anybody or anything judged: unknown is never success, so a low one drags the success rate."""
    fault_rates: Mapping[str, float]
    """Tool calls that ended so, as a share of all tool calls."""
    retries_per_success: float | None
    wasted_usd: Decimal
    """Spent on jobs that failed."""
    wasted_share: float | None


def economics_of(row: EconomicsRow) -> Economics:
    """The figures of one row of sums."""
    judged = row.success + row.failure + row.handed_off
    calls = sum(row.tool_outcomes.values())
    cost = row.cost_usd
    return Economics(
        key=row.key,
        environment=row.environment,
        row=row,
        cost_per_success=cost / row.success if cost is not None and row.success else None,
        interval=interval_of(row),
        success_rate=row.success / row.jobs if judged and row.jobs else None,
        escalation_rate=row.handed_off / row.jobs if judged and row.jobs else None,
        intervention_rate=row.intervened / row.runs if row.runs else None,
        judged_share=judged / row.jobs if row.jobs else None,
        fault_rates={f.value: row.tool_outcomes.get(f.value, 0) / calls for f in FAULTS} if calls else {},
        retries_per_success=(
            row.tool_outcomes.get(ToolOutcome.RETRIED_THEN_OK.value, 0) / row.success if row.success else None
        ),
        wasted_usd=row.failed_usd,
        wasted_share=float(row.failed_usd / cost) if cost else None,
    )


def interval_of(row: EconomicsRow) -> Interval | None:
    """Fieller's 95 % interval of cost per success; None below `LEAST_SUCCESSES` or without prices.

    Over n runs with cost c and success s (0 or 1, a later part of a job counts as 0): the interval holds every ratio R for
    which mean(c) - R * mean(s) is not significantly different from zero. It has no upper end while mean(s) itself is not.
    """
    n = row.runs
    if row.cost_usd is None or row.success < LEAST_SUCCESSES or n < 2:
        return None
    cost, good = float(row.cost_usd) / n, row.success / n
    spread = n - 1
    var_cost = max(0.0, (row.cost_squares - n * cost * cost) / spread) / n
    var_good = max(0.0, (row.success - n * good * good) / spread) / n
    cov = (row.cost_of_success - n * cost * good) / spread / n
    t = t_quantile(spread)
    ratio = cost / good
    g = t * t * var_good / (good * good)
    if g >= 1:
        return Interval(Decimal(str(max(0.0, cost / _upper(good, var_good, t)))), None)
    under = var_cost - 2 * ratio * cov + ratio * ratio * var_good
    if var_good > 0:
        under -= g * (var_cost - cov * cov / var_good)
    half = t / good * math.sqrt(max(0.0, under))
    centre = ratio - (g * cov / var_good if var_good > 0 else 0.0)
    low, high = (centre - half) / (1 - g), (centre + half) / (1 - g)
    return Interval(Decimal(repr(max(0.0, low))), Decimal(repr(high)))


def _upper(mean: float, variance: float, t: float) -> float:
    return min(1.0, mean + t * math.sqrt(variance))


def t_quantile(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, within 1 % from 4 degrees of freedom on (Cornish-Fisher)."""
    z = 1.959963985
    d = max(1, degrees)
    first = (z**3 + z) / (4 * d)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * d * d)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * d**3)
    return z + first + second + third


def table_of(rows: Iterable[EconomicsRow]) -> tuple[Economics, ...]:
    """Every row's figures, in the order given."""
    return tuple(economics_of(row) for row in rows)


def merged(rows: Iterable[EconomicsRow], key: str = "") -> EconomicsRow:
    """One row over several environments or keys. Its 95th percentile is the largest of theirs."""
    found = list(rows)
    costs = [row.cost_usd for row in found if row.cost_usd is not None]
    outcomes: dict[str, int] = {}
    for row in found:
        for outcome, calls in row.tool_outcomes.items():
            outcomes[outcome] = outcomes.get(outcome, 0) + calls
    return EconomicsRow(
        key=key,
        environment=found[0].environment if len({row.environment for row in found}) == 1 else "",
        runs=sum(row.runs for row in found),
        jobs=sum(row.jobs for row in found),
        success=sum(row.success for row in found),
        failure=sum(row.failure for row in found),
        handed_off=sum(row.handed_off for row in found),
        errors=sum(row.errors for row in found),
        intervened=sum(row.intervened for row in found),
        interventions=sum(row.interventions for row in found),
        cost_usd=sum(costs, Decimal(0)) if costs else None,
        failed_usd=sum((row.failed_usd for row in found), Decimal(0)),
        unpriced_calls=sum(row.unpriced_calls for row in found),
        cost_squares=sum(row.cost_squares for row in found),
        cost_of_success=sum(row.cost_of_success for row in found),
        tool_outcomes=outcomes,
        p95_duration_ns=max((row.p95_duration_ns for row in found), default=0),
        last_started_ns=max((row.last_started_ns for row in found), default=0),
    )
