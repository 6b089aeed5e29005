"""How a workflow stands at one moment: its figures, budget and service levels, fetched from the store and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from insights.budgets import BudgetMode, BudgetState, budget_state, moments_of
from insights.economics import Economics, economics_of, merged
from insights.objectives import Objective, objectives_of
from spans.policy import Policy
from store.api import RunQuery, Store
from store.hours import HourField, HourQuery

COUNTED_SHAPES = ("agent", "single_call")
"""Shapes that are somebody's job; setup and plain traces have no goal."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One workflow, one range, one moment."""

    figures: Economics
    budget: BudgetState | None
    objectives: tuple[Objective, ...]


def standing_of(store: Store, query: RunQuery, policy: Policy | None, now_ns: int) -> Standing:
    """Judge the runs of a query that names a workflow."""
    figures = figures_of(store, query)
    return Standing(
        figures,
        budget_of(store, query, policy, now_ns),
        objectives_of(policy.targets, figures) if policy is not None else (),
    )


def figures_of(store: Store, query: RunQuery) -> Economics:
    """The figures of everything that matches."""
    return economics_of(merged(store.economics(replace(query, shape=query.shape or COUNTED_SHAPES))))


def budget_of(store: Store, query: RunQuery, policy: Policy | None, now_ns: int) -> BudgetState | None:
    """How the policy's budget stands for the workflow and environment of a query; None without a budget."""
    if policy is None or policy.budget is None:
        return None
    moments = moments_of(policy.budget, now_ns, policy.timezone)
    spent = store.measures.spent(query.project, query.workflow or "", query.environment, moments, now_ns)
    since = dict(zip(moments, spent, strict=True))
    state = budget_state(policy.budget, now_ns, policy.timezone, since.__getitem__)
    if state.mode is not BudgetMode.SPENT:
        return state
    went = _went_ns(store, query, state)
    return replace(state, exhausted_ns=went) if went is not None else state


def _went_ns(store: Store, query: RunQuery, state: BudgetState) -> int | None:
    """The hour in which the money of the period went."""
    hours = HourQuery(query.project, state.period.since_ns, state.period.until_ns, query.environment, query.workflow)
    left = state.budget.usd
    for row in sorted(store.hours(hours, (HourField.HOUR, HourField.MODE)), key=lambda r: r.hour_ns):
        if row.mode != "shadow":
            left -= row.cost_usd or Decimal(0)
        if left <= 0:
            return row.hour_ns
    return None
