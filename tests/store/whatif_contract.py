"""What every store must answer to "what if": the same as the plain evaluator, over random runs and random policies."""

from __future__ import annotations

import itertools
import os
import random
from decimal import Decimal

import pytest
from msgspec import structs

from spans.facts import Decision
from spans.kinds import OutcomeLabel, RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from spans.policy import Limits, Policy
from spans.run import Assembly, Outcome
from spans.usage import Cost, Usage
from spans.whatif import MOST_GROUPS, Change, what_if
from store.api import RunQuery
from tests.builders import NOW_NS, SECOND_NS, a_run, a_span_id, a_step, a_trace_id

_numbers = itertools.count(int.from_bytes(os.urandom(4)) << 32)
TOOLS = ("read", "write", "refund", "it's", "", "<PERSON_abcdefgh>")


def random_run(chance: random.Random, number: int, project: str) -> Assembly:
    run_id = a_trace_id(number)
    started = NOW_NS + number * SECOND_NS
    steps = []
    for ordinal in range(chance.randrange(1, 9)):
        tool = chance.random() < 0.7
        decisions = ()
        if chance.random() < 0.3:
            verdict = chance.choice([Verdict.ALLOW, Verdict.MODIFY, Verdict.DENY])
            ref = chance.choice(["", "c1", "c2"])
            decisions = (Decision(verdict, by=chance.choice(["human", "policy"]), subject_ref=ref),)
        own = chance.random() < 0.8
        plain = {
            "kind": SpanKind.TOOL,
            "tool_name": chance.choice(TOOLS),
            "tool_call_id": chance.choice(["", "c1", "c2"]),
            "tool_arguments_hash": chance.choice(["a", "b", ""]),
            "tool_arguments_shape": chance.choice(["amount number", "it's text", ""]),
            "tool_outcome": chance.choice([*ToolOutcome, None]),
            "usage": None,
            "cost": None,
            "usage_role": UsageRole.NONE,
        }
        model = {
            "usage": Usage(chance.randrange(100), chance.randrange(50)),
            "cost": Cost(Decimal(chance.randrange(1, 30)) / 100, "priced") if chance.random() < 0.8 else None,
            "usage_role": UsageRole.OWN if own else UsageRole.DUPLICATE,
        }
        steps.append(
            a_step(
                run_id=run_id,
                trace_id=run_id,
                span_id=a_span_id(number * 100 + ordinal + 1),
                ordinal=ordinal,
                start_ns=started + chance.randrange(0, 12) * SECOND_NS,
                counted=chance.random() < 0.9,
                decisions=decisions,
                **(plain if tool else model),
            )
        )
    priced = [s.cost.usd for s in steps if s.cost and s.usage_role is UsageRole.OWN]
    used = [s.usage for s in steps if s.usage and s.usage_role is UsageRole.OWN]
    run = a_run(
        project=project,
        run_id=run_id,
        workflow=chance.choice(["refunds", "triage"]),
        started_ns=started,
        duration_ns=chance.randrange(0, 15) * SECOND_NS,
        cost_usd=sum(priced, Decimal(0)) if priced else None,
        usage=Usage(sum(u.input or 0 for u in used), sum(u.output or 0 for u in used)),
        outcome=Outcome(chance.choice(list(OutcomeLabel)), "test"),
        status=RunStatus.OK,
    )
    return Assembly(run, tuple(steps))


def random_policy(chance: random.Random) -> Policy:
    names = [t for t in TOOLS if t]
    picked = chance.sample(names, len(names))
    return Policy(
        chance.choice(["*", "refunds", "nobody"]),
        allowed_tools=chance.choice([None, tuple(picked[:3]), ()]),
        denied_tools=tuple(picked[3 : 3 + chance.randrange(2)]),
        require_approval=tuple(picked[: chance.randrange(3)]),
        limits=Limits(
            max_tool_calls=chance.choice([None, 0, 1, 3]),
            max_cost_usd=chance.choice([None, Decimal("0.25"), Decimal(0)]),
            max_duration_s=chance.choice([None, 5, 7.5]),
            max_tokens=chance.choice([None, 100, 0]),
        ),
    )


class WhatIfContract:
    """Subclasses provide the fixture `store`."""

    @pytest.fixture
    def filled(self, store):
        project = f"whatif-{next(_numbers):x}"
        chance = random.Random(33)
        made = [random_run(chance, number, project) for number in range(1, 120)]
        store.write_derived(made)
        return project, made

    def test_acceptance_33_counts_are_those_of_the_plain_evaluator(self, store, filled):
        project, made = filled
        runs = [(a.run, a.steps) for a in made]
        chance = random.Random(3)
        seen: set[Change] = set()
        for _ in range(25):
            policy = random_policy(chance)
            told = store.what_if(RunQuery(project), policy)
            assert told == what_if(policy, runs), policy
            seen |= {group.change for group in told.groups}
        assert seen == set(Change)

    def test_the_selection_is_that_of_the_query(self, store, filled):
        project, made = filled
        chosen = [(a.run, a.steps) for a in made if a.run.outcome.label is OutcomeLabel.SUCCESS]
        policy = Policy("*", denied_tools=("refund",))
        told = store.what_if(RunQuery(project, outcome="success"), policy)
        assert told == what_if(policy, chosen)
        assert told.cut_runs == told.cut_successful > 0

    def test_a_new_version_of_a_run_is_judged_and_the_old_one_is_not(self, store):
        project = f"whatif-{next(_numbers):x}"
        first = random_run(random.Random(1), 1, project)
        tool = {"kind": SpanKind.TOOL, "tool_name": "refund", "usage": None, "cost": None, "run_id": first.run.run_id}

        store.write_derived([Assembly(first.run, (a_step(ordinal=0, **tool), a_step(ordinal=1, **tool)))])
        newer = structs.replace(first.run, version=first.run.version + 1)
        store.write_derived([Assembly(newer, (a_step(ordinal=0, **tool),))])
        assert store.what_if(RunQuery(project), Policy("*", denied_tools=("refund",))).count(Change.NEWLY_DENIED) == 1

    def test_a_kind_of_every_call_is_counted_and_the_largest_are_told(self, store):
        project = f"whatif-{next(_numbers):x}"
        run = random_run(random.Random(1), 1, project).run
        tool = {"kind": SpanKind.TOOL, "tool_name": "refund", "usage": None, "cost": None, "run_id": run.run_id}
        kinds = [*range(MOST_GROUPS + 9), 7, 7, 9]
        steps = [
            a_step(ordinal=n, span_id=a_span_id(n + 1), tool_arguments_shape=f"key_{kind} text", **tool)
            for n, kind in enumerate(kinds)
        ]
        whole = Assembly(run, tuple(steps))
        store.write_derived([whole])
        policy = Policy("*", denied_tools=("refund",))
        told = store.what_if(RunQuery(project), policy)
        assert told == what_if(policy, [(whole.run, whole.steps)])
        assert (told.kinds, len(told.groups), told.count(Change.NEWLY_DENIED)) == (
            MOST_GROUPS + 9,
            MOST_GROUPS,
            len(kinds),
        )
        assert [(g.shape, g.calls) for g in told.groups[:2]] == [("key_7 text", 3), ("key_9 text", 2)]

    def test_nothing_stored_is_an_empty_answer(self, store):
        told = store.what_if(
            RunQuery("nobody-at-all"), Policy("*", denied_tools=("x",), limits=Limits(max_tool_calls=1))
        )
        assert (told.runs, told.calls, told.groups, told.cut_value_usd) == (0, 0, (), 0)
