"""Service levels of a workflow: what each target allows, what was used of it, and whether it is met; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from insights.economics import Economics
from spans.policy import Targets

LEAST_JOBS = 30
"""Below this a target is neither met nor missed: learning."""


@dataclass(frozen=True, slots=True)
class Objective:
    """One target against what was measured in a range."""

    name: str
    """`success_rate`, `cost_per_success_usd`, `p95_duration_s` or `intervention_rate`."""
    target: float
    measured: float | None
    is_met: bool | None
    """None while there is too little data."""
    allowed: float | None = None
    """The error budget: jobs that may end without success, or interventions that may happen, in this range."""
    used: float | None = None
    """What was used of it, as a share; over 1 when it is gone."""
    have: int = 0
    """Jobs (or runs) it was measured on."""


def objectives_of(targets: Targets, figures: Economics) -> tuple[Objective, ...]:
    """Every target that the policy sets; the others are left out.

    The success rate is that of every tile and table: of all jobs, because unknown is never success. Its error budget is the
    jobs that may miss it, (1 - target) of all; what failed, was handed over or was judged by nobody uses it.
    """
    row = figures.row
    found: list[Objective] = []
    if targets.success_rate is not None:
        rate = figures.success_rate
        allowed = (1 - targets.success_rate) * row.jobs
        found.append(
            Objective(
                "success_rate",
                targets.success_rate,
                rate,
                None if rate is None or row.jobs < LEAST_JOBS else rate >= targets.success_rate,
                allowed,
                None if rate is None else _used(row.jobs - row.success, allowed),
                row.jobs,
            )
        )
    if targets.cost_per_success_usd is not None:
        cost = figures.cost_per_success
        met = None if cost is None or row.jobs < LEAST_JOBS else cost <= targets.cost_per_success_usd
        used = float(cost / targets.cost_per_success_usd) if cost is not None and targets.cost_per_success_usd else None
        found.append(
            Objective(
                "cost_per_success_usd", float(targets.cost_per_success_usd), _float(cost), met, None, used, row.jobs
            )
        )
    if targets.p95_duration_s is not None:
        p95 = row.p95_duration_ns / 1e9 if row.p95_duration_ns else None
        met = None if p95 is None or row.runs < LEAST_JOBS else p95 <= targets.p95_duration_s
        used = p95 / targets.p95_duration_s if p95 is not None and targets.p95_duration_s else None
        found.append(Objective("p95_duration_s", targets.p95_duration_s, p95, met, None, used, row.runs))
    if targets.intervention_rate is not None:
        rate = figures.intervention_rate
        met = None if rate is None or row.runs < LEAST_JOBS else rate <= targets.intervention_rate
        allowed = targets.intervention_rate * row.runs
        found.append(
            Objective(
                "intervention_rate",
                targets.intervention_rate,
                rate,
                met,
                allowed,
                _used(row.intervened, allowed),
                row.runs,
            )
        )
    return tuple(found)


def _used(count: int, allowed: float) -> float:
    if allowed > 0:
        return count / allowed
    return float("inf") if count else 0.0


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
