"""States budgets that burn or are gone and service levels that are missed, from the policies in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from insights.budgets import BudgetMode, BudgetState
from insights.detectors.base import DAY_NS, HOUR_NS, MINUTE_NS, Detector, Inputs
from insights.feature_words import value_in_words
from insights.objectives import Objective, objectives_of
from insights.policies import EVERY
from insights.standing import budget_of, figures_of
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from spans.policy import Policy
from store.api import FleetRow, RunQuery

RANGE_NS = 7 * DAY_NS
_SEVERITIES = {
    BudgetMode.TICKET: Severity.TICKET,
    BudgetMode.PAGE: Severity.PAGE,
    BudgetMode.SPENT: Severity.PAGE,
}
OBJECTIVE_WORDS = {
    "success_rate": "success rate",
    "cost_per_success_usd": "cost per success",
    "p95_duration_s": "95th percentile of duration",
    "intervention_rate": "intervention rate",
}

_UNITS = {
    "success_rate": "share",
    "cost_per_success_usd": "usd",
    "p95_duration_s": "ms",
    "intervention_rate": "share",
}


def budgets(inputs: Inputs) -> Iterable[Finding]:
    """One finding per workflow and environment whose budget burns or is gone."""
    for row, policy, query in _judged(inputs):
        state = budget_of(inputs.store, query, policy, inputs.now_ns)
        if state is not None and state.mode is not BudgetMode.OK:
            yield _budget(inputs, row, state)


def objectives(inputs: Inputs) -> Iterable[Finding]:
    """One finding per service level that the last week misses."""
    for row, policy, query in _judged(inputs):
        if not policy.targets.is_set:
            continue
        week = replace(query, since_ns=inputs.now_ns - RANGE_NS, until_ns=inputs.now_ns)
        for objective in objectives_of(policy.targets, figures_of(inputs.store, week)):
            if objective.is_met is False:
                yield _objective(inputs, row, objective)


def _judged(inputs: Inputs) -> Iterator[tuple[FleetRow, Policy, RunQuery]]:
    """Workflows of the last week that have a policy; the one for all gives each workflow a budget of its own."""
    if not inputs.policies.by_workflow:
        return
    week = RunQuery(inputs.project, since_ns=inputs.now_ns - RANGE_NS, until_ns=inputs.now_ns)
    named = set(inputs.policies.by_workflow)
    for row in inputs.store.fleet(week):
        policy = inputs.policies.find(row.workflow) if row.workflow in named or EVERY in named else None
        if policy is not None:
            yield row, policy, RunQuery(inputs.project, workflow=row.workflow, environment=row.environment)


def _budget(inputs: Inputs, row: FleetRow, state: BudgetState) -> Finding:
    usd, spent = state.budget.usd, state.spent_usd
    per = "day" if state.budget.per_days == 1 else f"{state.budget.per_days} days"
    if state.mode is BudgetMode.SPENT:
        told = f"the budget of ${usd:f} per {per} is gone: ${spent:.2f} spent."
    else:
        burn = max(max(long, short) for _, long, short in state.burns)
        told = f"the budget of ${usd:f} per {per} burns {burn:.1f} times too fast: ${spent:.2f} spent."
    return Finding(
        kind=FindingKind.BUDGET,
        project=inputs.project,
        environment=row.environment,
        workflow=row.workflow,
        subject=f"budget {state.period.since_ns}",
        severity=_SEVERITIES[state.mode],
        detected_ns=inputs.now_ns,
        since_ns=min(inputs.now_ns, state.exhausted_ns or inputs.now_ns),
        summary=f"{row.workflow}: {told}",
        features=(FeatureChange("spend", float(usd), float(spent), 0.0, "usd"),),
        impact=Impact(usd=spent),
        detail={"mode": state.mode.value, "until_ns": state.period.until_ns, "exhausted_ns": state.exhausted_ns},
    )


def _objective(inputs: Inputs, row: FleetRow, objective: Objective) -> Finding:
    words, unit = OBJECTIVE_WORDS[objective.name], _UNITS[objective.name]

    def shown(value: float | None) -> str:
        scale = 1_000 if unit == "ms" else 1
        return "unknown" if value is None else value_in_words(scale * value, unit)

    return Finding(
        kind=FindingKind.OBJECTIVE,
        project=inputs.project,
        environment=row.environment,
        workflow=row.workflow,
        subject=objective.name,
        severity=Severity.TICKET,
        detected_ns=inputs.now_ns,
        since_ns=inputs.now_ns - RANGE_NS,
        summary=f"{row.workflow}: the {words} of the last 7 days is {shown(objective.measured)}, target {shown(objective.target)}.",
        features=(FeatureChange(words, objective.target, objective.measured, 0.0),),
    )


BUDGETS = Detector("budget", (FindingKind.BUDGET,), 5 * MINUTE_NS, budgets, quiet_ns=HOUR_NS)
OBJECTIVES = Detector("objective", (FindingKind.OBJECTIVE,), HOUR_NS, objectives, quiet_ns=6 * HOUR_NS)
