"""What every store must answer about judged runs: the engine is compared with plain Python over the same runs."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from msgspec import structs

from spans.attempts import Attempt, AttemptKind, AttemptReason, Followed, Grade, Harm
from spans.ids import RunId, SpanId
from spans.kinds import OutcomeLabel, RunMode, RunStatus, SpanKind, ToolOutcome
from spans.run import Outcome
from store.api import RunQuery
from store.judged import AttemptQuery
from store.memory import MemoryStore
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_step, a_trace_id, an_assembly

HOUR = 3_600 * SECOND_NS
_numbers = itertools.count(int.from_bytes(os.urandom(3)) << 40)


def an_attempt(**changes):
    made = Attempt(
        kind=AttemptKind.STOPPED,
        reason=AttemptReason.POLICY_DENY,
        grade=Grade.EXPLICIT,
        at_ns=NOW_NS,
        span_id=a_span_id(7),
        tool="issue_refund",
        rule="refund-limit",
        shape="amount number",
        harm=Harm.MONEY,
    )
    return replace(made, **changes)


def some_runs(project, seed=1, count=60):
    """Runs of two workflows over 100 hours with everything that the questions are about."""
    rng = Random(seed)
    made = []
    for _ in range(count):
        run_id = RunId(a_trace_id(next(_numbers)))
        at_ns = NOW_NS - rng.randrange(100) * HOUR - rng.randrange(3600) * SECOND_NS
        attempts = tuple(
            an_attempt(
                at_ns=at_ns + n,
                kind=rng.choice(list(AttemptKind)),
                tool=rng.choice(["issue_refund", "send_mail"]),
                rule=rng.choice(["", "refund-limit"]),
                followed=rng.choice(list(Followed)),
                span_id=a_span_id(rng.randrange(1, 99)),
            )
            for n in range(rng.choice([0, 0, 1, 2]))
        )
        steps = [
            a_step(
                span_id=SpanId(f"{n + 1:016x}"),
                ordinal=n,
                kind=SpanKind.TOOL,
                name="t",
                tool_name=rng.choice(["issue_refund", "get_order"]),
                tool_outcome=rng.choice([*ToolOutcome, *[ToolOutcome.OK] * 9]),
                counted=rng.random() < 0.8,
                duplicate_of=a_span_id(1) if rng.random() < 0.1 else None,
                tool_repeat_hash=rng.choice(["", "a", "b", f"u{next(_numbers)}"]),
                tool_idempotency=rng.choice(["", "k"]),
                tool_call_id=f"call_{n}",
                start_ns=at_ns + n,
                usage=None,
                cost=None,
            )
            for n in range(3)
        ]
        made.append(
            an_assembly(
                *steps,
                project=project,
                run_id=run_id,
                started_ns=at_ns,
                duration_ns=rng.randrange(1, 10**9),
                workflow=rng.choice(["refunds", "triage"]),
                workflow_version=rng.choice(["", "1", "2"]),
                environment=rng.choice(["production", "staging"]),
                mode=rng.choice([RunMode.LIVE, RunMode.LIVE, RunMode.SHADOW]),
                status=rng.choice([RunStatus.OK, RunStatus.ERROR]),
                outcome=Outcome(rng.choice(list(OutcomeLabel)), "policy"),
                cost_usd=rng.choice([None, Decimal(rng.randrange(10**6)).scaleb(-6)]),
                unpriced_calls=rng.choice([0, 1]),
                interventions=rng.choice([0, 0, 2]),
                continued_by=rng.choice(made).run.run_id if made and rng.random() < 0.3 else None,
                models=tuple(rng.sample(["gpt-5", "claude", "gemini"], rng.randrange(0, 3))),
                attributes={"tenant": rng.choice(["a", "b"])} if rng.random() < 0.5 else {},
                tool_schemas={"issue_refund": rng.choice(["s1", "s2"])},
                tool_outcomes={"ok": rng.randrange(3), "error": 1} if rng.random() < 0.7 else {},
                attempts=attempts,
            )
        )
    return made


class JudgedContract:
    """Subclasses provide the fixture `store`."""

    @pytest.fixture
    def project(self):
        return f"judged-{next(_numbers):x}"

    @pytest.fixture
    def both(self, store, project):
        """The store under test and plain Python, with the same runs; every run was written twice."""
        reference = MemoryStore()
        runs = some_runs(project)
        older = [structs.replace(a, run=structs.replace(a.run, attempts=(), cost_usd=Decimal(99))) for a in runs]
        newer = [structs.replace(a, run=structs.replace(a.run, version=2)) for a in runs]
        for target in (store, reference):
            target.write_derived(older)
            target.write_derived(newer)
        return store, reference

    def test_kinds_of_attempts_are_those_of_plain_python(self, both, project):
        for changes in ({}, {"workflow": "refunds"}, {"kind": "violation", "environment": "staging"}, {"rule": ""}):
            query = AttemptQuery(project, NOW_NS - 50 * HOUR, NOW_NS + HOUR, **changes)
            found, wanted = (s.attempt_groups(query, 30 * HOUR) for s in both)
            assert len(wanted) > 1

            def plain(groups):
                return {(g.environment, g.workflow, g.kind, g.tool, g.rule): g for g in groups}

            assert plain(found) == plain(wanted)

    def test_attempts_are_those_of_plain_python_newest_first(self, both, project):
        query = AttemptQuery(project, NOW_NS - 90 * HOUR, NOW_NS + HOUR, tool="issue_refund")
        found, wanted = (s.attempts(query, 10) for s in both)
        assert len(wanted) == 10
        assert found == wanted

    @pytest.mark.parametrize("by", ["", "workflow", "version", "model", "attr.tenant"])
    def test_the_sums_behind_cost_per_success_are_those_of_plain_python(self, both, project, by):
        found, wanted = (s.economics(RunQuery(project), by) for s in both)
        assert len(wanted) >= 2

        def plain(rows):
            return {
                (r.key, r.environment): replace(r, cost_squares=0, cost_of_success=0, p95_duration_ns=0) for r in rows
            }

        assert plain(found) == plain(wanted)
        squares = {(r.key, r.environment): (r.cost_squares, r.cost_of_success) for r in wanted}
        for row in found:
            assert (row.cost_squares, row.cost_of_success) == pytest.approx(squares[row.key, row.environment])

    def test_tools_are_those_of_plain_python(self, both, project):
        query = RunQuery(project, workflow="refunds")
        found, wanted = both
        assert found.offered_tools(query) == wanted.offered_tools(query) != ()
        assert found.used_tools(query) == wanted.used_tools(query) != ()

    def test_repeated_writes_are_those_of_plain_python(self, both, project):
        found, wanted = (s.repeated_writes(project, NOW_NS - 60 * HOUR, NOW_NS + HOUR) for s in both)
        assert len(wanted) > 3
        assert found == wanted

    def test_whole_runs_come_back_in_the_order_asked_for(self, both, project):
        found, wanted = both
        query = RunQuery(project, workflow="refunds")
        ids = wanted.run_ids(query, 7)
        assert found.run_ids(query, 7) == ids
        asked = [*ids[::-1], RunId("f" * 32)]
        assert found.read_assemblies(project, asked) == wanted.read_assemblies(project, asked)
        assert [a.run.run_id for a in found.read_assemblies(project, asked)] == list(ids[::-1])

    def test_workflows_without_content_are_named(self, store, project):
        silent = an_assembly(project=project, run_id=RunId(a_trace_id(next(_numbers))), workflow="silent")
        loud = an_assembly(
            project=project, run_id=RunId(a_trace_id(next(_numbers))), workflow="loud", output_preview="hello"
        )
        store.write_derived([silent, loud])
        assert store.blind_workflows(RunQuery(project)) == ("silent",)
