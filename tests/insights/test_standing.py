"""Every number recomputed by hand from the rows that were stored, on the embedded engine, to the cent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from insights.budgets import BudgetMode
from insights.detectors.base import DAY_NS, Inputs
from insights.detectors.standing import BUDGETS, OBJECTIVES
from insights.policies import PolicyBook
from insights.policy_file import parse_policy
from insights.standing import budget_of, standing_of
from spans.kinds import OutcomeLabel, RunMode
from store import open_store
from store.api import RunQuery
from tests.builders import NOW_NS
from tests.store.judged_contract import HOUR, some_runs

PROJECT = "by-hand"
POLICY = parse_policy(
    "workflow_id: refunds\nbudget: {usd: 3, per: 7d}\nslo: {success_rate: 0.9, cost_per_success_usd: 0.01}\n"
)
NOW = NOW_NS + HOUR
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def runs():
    return [a.run for a in some_runs(PROJECT, seed=9, count=400)]


@pytest.fixture(scope="module")
def store(tmp_path_factory, runs):
    opened = open_store(f"chdb://{tmp_path_factory.mktemp('by-hand') / 'store'}")
    opened.migrate()
    from spans.run import Assembly

    opened.write_derived([Assembly(run, ()) for run in runs])
    opened.write_derived([Assembly(run, ()) for run in runs[::3]])
    yield opened
    opened.close()


def test_cost_per_success_rates_and_waste(store, runs):
    query = RunQuery(PROJECT, since_ns=NOW - 3 * DAY_NS, until_ns=NOW, workflow="refunds", environment="production")
    figures = standing_of(store, query, POLICY, NOW).figures
    mine = [
        r
        for r in runs
        if r.workflow == "refunds"
        and r.environment == "production"
        and r.mode is not RunMode.SHADOW
        and NOW - 3 * DAY_NS <= r.started_ns < NOW
    ]
    good = [r for r in mine if r.outcome.label is OutcomeLabel.SUCCESS and r.continued_by is None]
    bad = [r for r in mine if r.outcome.label is OutcomeLabel.FAILURE and r.continued_by is None]
    jobs = [r for r in mine if r.continued_by is None]
    assert len(good) > 5
    spent = sum((r.cost_usd or Decimal(0) for r in mine), Decimal(0))
    assert figures.cost_per_success is not None
    assert figures.cost_per_success == spent / len(good)
    assert figures.cost_per_success.quantize(CENT) == (spent / len(good)).quantize(CENT)
    assert figures.success_rate == len(good) / len(jobs)
    by_id = {r.run_id: r for r in runs}

    def is_failed(run):
        while run.mode is not RunMode.SHADOW and run.continued_by is not None:
            run = by_id[run.continued_by]
        return run.mode is not RunMode.SHADOW and run.outcome.label is OutcomeLabel.FAILURE

    failed = [r for r in mine if is_failed(r)]
    assert len(failed) > len(bad)  # earlier parts of failed jobs are wasted, too
    assert figures.wasted_usd == sum((r.cost_usd or Decimal(0) for r in failed), Decimal(0))
    every = [r for r in runs if r.mode is not RunMode.SHADOW and is_failed(r)]
    assert any(by_id[r.continued_by].continued_by for r in every if r.continued_by)  # a job in three parts
    wasted = sum(row.failed_usd for row in store.economics(RunQuery(PROJECT)))
    assert wasted == sum((r.cost_usd or Decimal(0) for r in every), Decimal(0))
    assert figures.intervention_rate == sum(r.interventions > 0 for r in mine) / len(mine)
    calls = sum(sum(r.tool_outcomes.values()) for r in mine)
    assert figures.fault_rates["error"] == sum(r.tool_outcomes.get("error", 0) for r in mine) / calls


@pytest.mark.parametrize("by", ["version", "model", "workflow"])
def test_tables_add_up(store, runs, by):
    rows = store.economics(RunQuery(PROJECT, environment="production"), by)
    of = {"version": lambda r: [r.workflow_version], "model": lambda r: r.models, "workflow": lambda r: [r.workflow]}[
        by
    ]
    for row in rows:
        mine = [r for r in runs if row.key in of(r) and r.environment == "production" and r.mode is not RunMode.SHADOW]
        assert row.runs == len(mine)
        assert (row.cost_usd or Decimal(0)) == sum((r.cost_usd or Decimal(0) for r in mine), Decimal(0))


def test_the_budget_of_the_week(store, runs):
    query = RunQuery(PROJECT, workflow="refunds", environment="production")
    state = budget_of(store, query, POLICY, NOW)
    assert state is not None
    monday = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp()) * 10**9
    assert state.period.since_ns == monday
    spent = sum(
        (
            r.cost_usd or Decimal(0)
            for r in runs
            if r.workflow == "refunds"
            and r.environment == "production"
            and r.mode is not RunMode.SHADOW
            and monday <= r.started_ns < NOW
        ),
        Decimal(0),
    )
    assert state.spent_usd == spent > 3
    assert state.mode is BudgetMode.SPENT
    assert state.exhausted_ns is not None


def test_budgets_and_missed_levels_become_findings(store):
    inputs = Inputs(PROJECT, NOW - DAY_NS, NOW, store, PolicyBook({"refunds": POLICY}))
    budgets = list(BUDGETS.evaluate(inputs))
    assert any("the budget of $3 per 7 days is gone" in f.summary for f in budgets)
    assert {f.workflow for f in budgets} == {"refunds"}
    assert {f.subject for f in OBJECTIVES.evaluate(inputs)} == {"success_rate", "cost_per_success_usd"}
