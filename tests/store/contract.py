"""What every store must do, whichever engine keeps the rows: run over memory, the embedded engine and the network."""

from __future__ import annotations

import itertools
import os
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from msgspec import structs

from spans.clean import CleanSpan, Redaction, RedactionNote
from spans.errors import RefusedError
from spans.facts import Decision
from spans.ids import RunId, TraceId
from spans.kinds import OutcomeLabel, RunMode, RunShape, RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from spans.run import Outcome
from spans.span import Event, Link, Resource, Scope
from spans.usage import Usage
from store.api import (
    CALLS_PER_HOUR,
    PER_HOUR,
    Bucket,
    ExportQuery,
    ExportTable,
    GoneReason,
    RunQuery,
    Totals,
    TraceTimes,
)
from store.hours import CallField, HourField, HourQuery, call_hours, run_hours
from store.orders import ORDERS, order_of
from store.outline import outline_of
from store.privacy import HiddenQuery
from store.rows import evidence_tables
from store.sums import SUM_FIELDS, RunBound
from store.survivors import Survivors
from tests.builders import (
    DAY,
    NOW_NS,
    SECOND_NS,
    SPAN,
    TRACE,
    a_clean_log,
    a_clean_span,
    a_run,
    a_span_id,
    a_step,
    a_trace_id,
    an_assembly,
    some_facts,
)

RUN = RunId(TRACE)
_numbers = itertools.count(int.from_bytes(os.urandom(4)) << 32)


def facts_for(item, **changes):
    """Facts as `runs` would make them, as far as the store looks at them."""
    origin = item.origin
    inner = item.span if isinstance(item, CleanSpan) else item.log
    values = {
        "project": origin.project,
        "trace_id": inner.trace_id or TRACE,
        "span_id": inner.span_id or SPAN,
        "source": "span" if isinstance(item, CleanSpan) else "log",
        "end_ns": inner.end_ns if isinstance(item, CleanSpan) else 0,
        "attribute_count": len(inner.attributes),
        "received_day": origin.received_day,
        "received_ns": origin.received_ns,
    }
    return some_facts(**{**values, **changes})


def tables_for(*items, **changes):
    return evidence_tables(items, [facts_for(item, **changes) for item in items])


def many_assemblies(project):
    """Runs that differ in everything roll-ups are told apart by, with calls of every counted kind."""
    changes = [
        {},
        {"outcome": Outcome(OutcomeLabel.SUCCESS, "policy"), "duration_ns": 3, "retrievals": 2, "redactions": 5},
        {"outcome": Outcome(OutcomeLabel.HANDED_OFF, "x"), "interventions": 1, "waiting_for": "approval"},
        {"outcome": Outcome(OutcomeLabel.FAILURE, "x"), "status": RunStatus.ERROR, "errors": 2, "denials": 3},
        {"outcome": Outcome(OutcomeLabel.SUCCESS, "x"), "mode": RunMode.SHADOW, "cost_usd": Decimal("7.25")},
        {"status": RunStatus.RUNNING, "duration_ns": 10**15, "cost_usd": None, "unpriced_calls": 2},
        {"environment": "staging", "workflow_version": "2", "shape": RunShape.SINGLE_CALL, "duration_ns": 2**62},
        {"workflow": "it's", "started_ns": NOW_NS + 3600 * SECOND_NS, "duration_ns": 123_456_789},
        {"workflow": "it's", "started_ns": NOW_NS + 3599 * SECOND_NS, "usage": Usage(1, 2, 3, 4, reasoning=5)},
    ]
    tool = {"kind": SpanKind.TOOL, "usage": None, "usage_role": UsageRole.NONE, "cost": None, "tool_name": "refund"}
    steps = [
        a_step(ordinal=0, usage=Usage(10, 5, cache_read=4, cache_write=1, reasoning=2)),
        a_step(ordinal=1, counted=False, usage_role=UsageRole.DUPLICATE),
        a_step(ordinal=2, counted=False, duration_ns=77),
        a_step(ordinal=3, cost=None, unpriced=True, response_model="", status=RunStatus.ERROR),
        a_step(ordinal=4, **tool, tool_outcome=ToolOutcome.DENIED),
        a_step(ordinal=5, **{**tool, "tool_name": "read"}, tool_outcome=ToolOutcome.OK, duration_ns=5_000),
        a_step(ordinal=6, kind=SpanKind.AGENT, usage_role=UsageRole.ROLLUP),
    ]
    return [an_assembly(*steps[n % 3 :], project=project, run_id=a_trace_id(n + 1), **c) for n, c in enumerate(changes)]


class StoreContract:
    """Subclasses provide the fixture `store`; every test works in a project of its own."""

    @pytest.fixture
    def project(self):
        return f"project-{next(_numbers):x}"

    @pytest.fixture
    def write(self, store, project):
        """Write items as evidence of the test's project."""

        def _write(*items, **changes):
            own = [replace(i, origin=replace(i.origin, project=project)) for i in items]
            store.write_evidence(tables_for(*own, **changes))
            return own

        return _write

    @pytest.fixture
    def runs(self, store, project):
        """Write runs of the test's project, each with an id of its own."""

        def _runs(*many):
            made = [a_run(project=project, run_id=a_trace_id(n + 1), **changes) for n, changes in enumerate(many)]
            store.write_derived([structs.replace(an_assembly(), run=run) for run in made])
            return made

        return _runs

    # evidence

    def test_evidence_comes_back_as_it_went_in(self, store, project, write):
        span = a_clean_span(
            attributes={
                "gen_ai.input.messages": "x" * 5000,
                "n": 2**63 - 1,
                "f": 0.1,
                "t": True,
                "nil": None,
                "list": [1, "two", {"three": [3]}],
                "nan": {"$double": "NaN"},
                "": "empty key",
                "__proto__": "'; DROP TABLE spans; --",
                "nul": "a\0b",
                "bidi": "\u202eabc",
                "emoji": "😀" * 200,
            },
            events=(Event("exception", NOW_NS, {"exception.message": "no"}, 1),),
            links=(Link(a_trace_id(9), a_span_id(9), {"a": 1}, "x=y", 1, 2),),
            status_message="it failed",
            parent_span_id=a_span_id(77),
            marks=("utf8_repaired",),
            trace_state="k=v",
            flags=257,
        )
        log = a_clean_log(attributes={"event.name": "gen_ai.choice"}, body={"message": {"content": "hi"}})
        own = write(span, log)
        found = store.read_evidence(project, TRACE)
        assert found.spans == (own[0],)
        assert found.logs == (own[1],)

    def test_a_resent_span_is_one_span(self, store, project, write):
        for received in range(3):
            write(a_clean_span(received_ns=NOW_NS + received, slot=received), content_hash="ab" * 16)
        (span,) = store.read_evidence(project, TRACE).spans
        assert span.origin.received_ns == NOW_NS

    def test_a_resent_span_after_midnight_is_one_span(self, store, project, write):
        for day in (DAY, DAY + timedelta(days=1)):
            write(a_clean_span(received_day=day, attributes={"long": "y" * 300}))
        (span,) = store.read_evidence(project, TRACE).spans
        assert span.span.attributes == {"long": "y" * 300}

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    @pytest.mark.parametrize("day", [0, 1])
    @pytest.mark.parametrize(
        ("loser", "winner"),
        [
            ({"end_ns": 0}, {"end_ns": NOW_NS}),
            ({"end_ns": NOW_NS}, {"end_ns": NOW_NS + 1}),
            ({"attributes": {"a": 1}}, {"attributes": {"a": 1, "b": 2}}),
        ],
    )
    def test_of_two_copies_the_fuller_one_wins(self, store, project, write, order, day, loser, winner):
        copies = [
            a_clean_span(name="loser", status_message="lost", **loser),
            a_clean_span(name="winner", received_day=DAY + timedelta(days=day), **winner),
        ]
        hashes = ["ff" * 16, "00" * 16]
        for n in order:
            write(copies[n], content_hash=hashes[n])
        (span,) = store.read_evidence(project, TRACE).spans
        assert span.span.name == "winner"
        assert span.span.status_message == "", "contents of the loser stand beside the winner"

    def test_the_greater_hash_wins_between_equals(self, store, project, write):
        write(a_clean_span(name="a"), content_hash="01" * 16)
        write(a_clean_span(name="b"), content_hash="02" * 16)
        write(a_clean_span(name="c"), content_hash="00" * 16)
        assert [s.span.name for s in store.read_evidence(project, TRACE).spans] == ["b"]

    def test_one_span_can_be_read_with_its_logs(self, store, project, write):
        other = a_span_id(5)
        write(
            a_clean_span(),
            a_clean_span(span_id=other),
            a_clean_log(),
            a_clean_log(log_id="2" * 32, span_id=other),
            a_clean_log(log_id="3" * 32, trace_id=a_trace_id(99)),
        )
        found = store.read_evidence(project, TRACE, other)
        assert [s.span.span_id for s in found.spans] == [other]
        assert [log.log_id for log in found.logs] == ["2" * 32]
        assert len(store.read_evidence(project, TRACE).spans) == 2

    def test_a_log_sent_twice_is_one_log(self, store, project, write):
        write(a_clean_log())
        write(a_clean_log(received_day=DAY + timedelta(days=1)))
        assert len(store.read_evidence(project, TRACE).logs) == 1

    def test_projects_never_meet(self, store, project, write):
        write(a_clean_span(), shared_keys=("response:r1",))
        assert store.read_evidence("elsewhere", TRACE).spans == ()
        assert store.read_facts("elsewhere", [TRACE]) == []
        assert store.traces_sharing("elsewhere", ["response:r1"]) == set()

    def test_nothing_stored_is_empty(self, store, project):
        found = store.read_evidence(project, a_trace_id(404))
        assert (found.spans, found.logs) == ((), ())
        store.write_evidence({})
        store.write_derived([])

    @pytest.mark.parametrize("time_ns", [0, 1, 2**63, 2**64 - 1])
    def test_any_time_can_be_stored(self, store, project, write, time_ns):
        write(a_clean_span(start_ns=time_ns, end_ns=time_ns))
        (span,) = store.read_evidence(project, TRACE).spans
        assert (span.span.start_ns, span.span.end_ns) == (time_ns, time_ns)

    def test_a_lone_surrogate_becomes_a_replacement_character(self, store, project, write):
        write(
            a_clean_span(
                name="a\ud800", attributes={"k\udfff": "v\ud83d", "ok": "\ud83d\ude00"}, status_message="\udc00"
            ),
            input_preview="\ud800",
        )
        (span,) = store.read_evidence(project, TRACE).spans
        assert span.span.name == "a\ufffd"
        assert span.span.attributes == {"k\ufffd": "v\ufffd", "ok": "😀"}
        assert store.read_facts(project, [TRACE])[0].input_preview == "\ufffd"
        assert store.read_evidence("\ud800", TRACE).spans == ()

    def test_many_received_days_in_one_call_are_all_stored(self, store, project, write):
        days = [date(2031, 1, 1) + timedelta(days=n) for n in range(12)]
        write(*(a_clean_span(span_id=a_span_id(n + 1), received_day=day) for n, day in enumerate(days)))
        assert len(store.read_evidence(project, TRACE).spans) == 12

    # facts

    def test_facts_come_back_as_they_went_in(self, store, project):
        facts = some_facts(project=project, shared_keys=("response:r1",), promoted={"team": "é\0"}, tags=("a",))
        store.write_evidence(evidence_tables([a_clean_span(project=project)], [facts]))
        assert store.read_facts(project, [TRACE, a_trace_id(3)]) == [facts]
        assert store.read_facts(project, []) == []

    def test_every_different_copy_of_facts_is_read_and_equal_ones_once(self, store, project, write):
        for content_hash in ("aa" * 16, "bb" * 16, "aa" * 16):
            write(a_clean_span(), content_hash=content_hash)
        assert {f.content_hash for f in store.read_facts(project, [TRACE])} == {"aa" * 16, "bb" * 16}
        assert len(store.read_facts(project, [TRACE])) == 2

    def test_facts_of_newer_rules_replace_older_ones(self, store, project, write):
        for version in (2, 3, 1):
            write(a_clean_span(), version=version)
        assert [f.version for f in store.read_facts(project, [TRACE])] == [3]

    def test_the_first_arrival_of_equal_facts_is_kept(self, store, project, write):
        for seconds in (5, 1, 9):
            write(a_clean_span(received_ns=NOW_NS + seconds * SECOND_NS))
        assert [f.received_ns for f in store.read_facts(project, [TRACE])] == [NOW_NS + SECOND_NS]

    def test_traces_that_share_a_key_are_found(self, store, project, write):
        for n, keys in enumerate([("response:1", "call:x"), ("call:x",), ("other",), ()]):
            write(a_clean_span(trace_id=a_trace_id(n + 1)), shared_keys=keys)
        assert store.traces_sharing(project, ["call:x"]) == {a_trace_id(1), a_trace_id(2)}
        assert store.traces_sharing(project, ["nothing", "other", "'\\"]) == {a_trace_id(3)}
        assert store.traces_sharing(project, []) == set()

    def test_recent_traces_are_those_with_evidence_since(self, store, project, write):
        write(a_clean_span(trace_id=a_trace_id(1), received_ns=NOW_NS))
        write(a_clean_span(trace_id=a_trace_id(2), received_ns=NOW_NS + 10))
        assert store.recent_traces(project, NOW_NS + 1) == [(project, a_trace_id(2))]
        assert set(store.recent_traces(project, 0)) == {(project, a_trace_id(1)), (project, a_trace_id(2))}
        assert (project, a_trace_id(2)) in store.recent_traces(None, NOW_NS + 1)

    def test_the_newest_evidence_of_each_trace_is_known(self, store, project, write):
        for number, received_ns in ((1, NOW_NS), (2, NOW_NS + 10), (2, NOW_NS + 30)):
            write(
                a_clean_span(trace_id=a_trace_id(number), span_id=a_span_id(received_ns % 97), received_ns=received_ns)
            )
        found = {key: at for key, at in store.newest_by_trace(NOW_NS + 1).items() if key[0] == project}
        assert found == {(project, a_trace_id(2)): NOW_NS + 30}
        assert (project, a_trace_id(1)) in store.newest_by_trace(0)

    def test_traces_are_read_at_once_as_they_are_one_by_one(self, store, project, write):
        for number in (1, 2):
            for span in (1, 2):
                write(a_clean_span(trace_id=a_trace_id(number), span_id=a_span_id(span)))
        found = store.read_traces(project, [a_trace_id(1), a_trace_id(2), a_trace_id(3)])
        assert found == {a_trace_id(n): store.read_evidence(project, a_trace_id(n)) for n in (1, 2)}
        assert len(found[a_trace_id(1)].spans) == 2
        assert store.read_traces("another", [a_trace_id(1)]) == {}

    def test_recent_items_name_the_record_that_brought_them(self, store, project, write):
        write(a_clean_span(span_id=a_span_id(1), received_ns=NOW_NS))
        write(a_clean_span(span_id=a_span_id(2), received_ns=NOW_NS + 10))
        write(a_clean_span(span_id=a_span_id(3), received_ns=NOW_NS + 20))
        found = [row for row in store.recent_items(NOW_NS + 1, 1000) if row[1] == project]
        assert [(row[0], row[3]) for row in found] == [("spans", a_span_id(2)), ("spans", a_span_id(3))]
        assert all(isinstance(row[4], str) and isinstance(row[5], int) for row in found)
        assert len([row for row in store.recent_items(0, 1) if row[0] == "spans"]) == 1

    def test_what_was_received_is_found_by_the_moment_of_its_receipt(self, store, project, write):
        # moments of a time of their own: the store of a run of tests is shared
        start = NOW_NS + 77 * SECOND_NS + 1_000 * (int(project.removeprefix("project-"), 16) % 1_000_003)
        write(a_clean_span(trace_id=a_trace_id(1), received_ns=start))
        write(a_clean_span(trace_id=a_trace_id(2), received_ns=start + 1))
        write(a_clean_span(trace_id=a_trace_id(2), span_id=a_span_id(7), received_ns=start + 1))
        write(a_clean_span(trace_id=a_trace_id(3), received_ns=start + 2))
        found = store.received_moments("spans", start, start + 2, 9)
        assert found == ((start, 1), (start + 1, 2), (start + 2, 1))
        assert store.received_moments("spans", start + 1, start + 1, 9) == ((start + 1, 2),)
        assert store.received_moments("spans", start, start + 2, 1) == ((start, 1),)
        assert store.received_moments("logs", start, start + 2, 9) == ()
        both = ((project, a_trace_id(1)), (project, a_trace_id(2)))
        assert store.received_traces([start, start + 1]) == both
        assert store.received_traces([]) == store.received_logs([]) == ()

    def test_log_records_are_found_by_the_moment_of_their_receipt_once_and_without_a_trace_too(
        self, store, project, write
    ):
        start = NOW_NS + 78 * SECOND_NS + 1_000 * (int(project.removeprefix("project-"), 16) % 1_000_003)
        alone = a_clean_log(log_id="a" * 32, received_ns=start, trace_id=None, span_id=None, slot=1)
        second = a_clean_log(log_id="b" * 32, received_ns=start + 1, slot=2)
        again = a_clean_log(log_id="b" * 32, received_ns=start + 1, slot=3)
        later = a_clean_log(log_id="c" * 32, received_ns=start + 2)
        for log in (again, second, alone, later):
            write(log)
        found = store.received_logs([start, start + 1])
        assert [log.log_id for log in found] == ["a" * 32, "b" * 32]
        assert found[0].log.body == alone.log.body

    # derived rows

    def test_a_run_and_its_steps_come_back_as_they_went_in(self, store, project):
        assembly = an_assembly(
            a_step(ordinal=0, error_message="é\0", parent_span_id=None),
            a_step(ordinal=1, span_id=a_span_id(2), parent_span_id=SPAN, cost=None, usage=None, flags=("orphan",)),
            project=project,
            agents=("a", "b"),
            attributes={"team": "x", "": "y"},
            cost_usd=Decimal("12.000000000001"),
            outcome=Outcome(OutcomeLabel.SUCCESS, "policy"),
            continues=RunId(a_trace_id(8)),
            usage=Usage(input=1, output=None, reasoning=3),
            replay_reasons=("no content",),
        )
        store.write_derived([assembly])
        assert store.read_run(project, TRACE) == assembly.run
        assert store.read_steps(project, RunId(TRACE)) == assembly.steps

    def test_the_outline_tells_of_every_step_what_its_step_tells(self, store, project):
        deny = Decision(Verdict.DENY, 'a "flags" rule', "policy", '"depth": 9')
        steps = [
            a_step(ordinal=0, depth=0, kind=SpanKind.AGENT, agent_name="refund-agent", cost=None),
            a_step(ordinal=1, depth=1, usage_role=UsageRole.ROLLUP, flags=("noise", "orphan")),
            a_step(ordinal=2, depth=2, kind=SpanKind.TOOL, tool_name="pay", tool_outcome=ToolOutcome.DENIED),
            a_step(ordinal=3, depth=1, decisions=(deny, Decision(Verdict.ALLOW)), error_message='"decisions" "flags"'),
            a_step(ordinal=4, depth=1, kind=SpanKind.TOOL, name="t", tool_outcome=ToolOutcome.APPROVAL_PENDING),
            a_step(ordinal=5, depth=300, kind=SpanKind.TOOL, name="t", tool_outcome=ToolOutcome.TIMEOUT),
            a_step(ordinal=6, depth=1, status=RunStatus.ERROR, content_state="withheld"),
            a_step(ordinal=7, depth=1, status=RunStatus.RUNNING, content_state="expired"),
            a_step(ordinal=8, depth=1, flags=("unfinished", "withheld"), response_model=""),
            a_step(ordinal=9, depth=1, counted=False, response_model="", request_model="", name="chat é"),
            a_step(ordinal=10, depth=1, usage_role=UsageRole.DUPLICATE, kind=SpanKind.OTHER, name=""),
        ]
        steps = [structs.replace(step, span_id=a_span_id(step.ordinal + 1)) for step in steps]
        store.write_derived([an_assembly(*steps, project=project)])
        assert store.read_outline(project, RUN) == outline_of(steps)
        assert len(store.read_outline(project, RunId(a_trace_id(99)))) == 0

    def test_some_steps_can_be_read_by_place_and_one_by_its_span(self, store, project):
        steps = [a_step(ordinal=n, span_id=a_span_id(n + 1)) for n in range(6)]
        store.write_derived([an_assembly(*steps, project=project)])
        assert [s.ordinal for s in store.read_steps_at(project, RUN, {4, 1, 99})] == [1, 4]
        assert store.read_steps_at(project, RUN, []) == ()
        assert store.read_step(project, RUN, a_span_id(3)) == steps[2]
        assert store.read_step(project, RUN, a_span_id(77)) is None

    def test_the_evidence_of_some_spans_can_be_read(self, store, project, write):
        for n in range(4):
            write(a_clean_span(span_id=a_span_id(n + 1), start_ns=NOW_NS + n))
        found = store.read_evidence_of(project, TRACE, {a_span_id(4), a_span_id(2), a_span_id(9)})
        assert [s.span.span_id for s in found.spans] == [a_span_id(2), a_span_id(4)]
        assert store.read_evidence_of(project, TRACE, []).spans == ()

    def test_a_higher_version_replaces_run_and_steps_as_a_whole(self, store, project):
        steps = [a_step(ordinal=n, span_id=a_span_id(n + 1)) for n in range(5)]
        store.write_derived([an_assembly(*steps, project=project, version=1, name="old")])
        store.write_derived([an_assembly(*steps[:2], project=project, version=2, name="new")])
        assert store.read_run(project, TRACE).name == "new"
        assert len(store.read_steps(project, RunId(TRACE))) == 2
        assert [r.name for r in store.find_runs(RunQuery(project)).rows] == ["new"]
        assert store.totals(RunQuery(project)).runs == 1

    def test_a_lower_version_never_wins(self, store, project):
        steps = [a_step(ordinal=n, span_id=a_span_id(n + 1)) for n in range(5)]
        store.write_derived([an_assembly(*steps[:2], project=project, version=2, name="new")])
        store.write_derived([an_assembly(*steps, project=project, version=1, name="old")])
        assert store.read_run(project, TRACE).name == "new"
        assert len(store.read_steps(project, RunId(TRACE))) == 2

    def test_versions_inside_one_call_are_ordered_too(self, store, project):
        store.write_derived([an_assembly(project=project, version=v, name=str(v)) for v in (2, 3, 1)])
        assert store.read_run(project, TRACE).name == "3"

    def test_a_run_whose_first_day_moves_is_still_one_run(self, store, project):
        for version, days in ((1, 1), (2, 0), (3, 2)):
            day = DAY + timedelta(days=days)
            store.write_derived([an_assembly(project=project, version=version, first_received_day=day)])
        assert store.totals(RunQuery(project)).runs == 1
        assert [r.version for r in store.find_runs(RunQuery(project)).rows] == [3]
        assert store.read_run(project, TRACE).first_received_day == DAY + timedelta(days=2)

    def test_a_run_is_found_by_any_trace_in_it(self, store, project):
        assembly = an_assembly(a_step(), project=project)
        second = structs.replace(assembly.steps[0], trace_id=a_trace_id(2), ordinal=1)
        store.write_derived([structs.replace(assembly, steps=(*assembly.steps, second))])
        assert store.read_run(project, a_trace_id(2)).run_id == TRACE
        assert store.read_run(project, a_trace_id(3)) is None
        assert store.read_run("elsewhere", TRACE) is None
        assert store.read_steps(project, RunId(a_trace_id(3))) == ()

    def test_a_run_without_steps_can_be_stored(self, store, project):
        store.write_derived([structs.replace(an_assembly(project=project), steps=())])
        assert store.read_run(project, TRACE).run_id == TRACE
        assert store.read_steps(project, RunId(TRACE)) == ()

    def test_absurd_numbers_are_clamped_not_refused(self, store, project):
        store.write_derived(
            [an_assembly(project=project, duration_ns=2**70, errors=-1, cost_usd=Decimal("1e40"), started_ns=2**65)],
        )
        run = store.read_run(project, TRACE)
        assert (run.duration_ns, run.errors, run.cost_usd, run.started_ns) == (2**63 - 1, 0, None, 2**64 - 1)

    # lists

    def test_runs_are_listed_newest_first_in_pages_without_gaps(self, store, project, runs):
        made = runs(*({"started_ns": NOW_NS + (n // 2)} for n in range(7)))
        query, seen = RunQuery(project, limit=3), []
        while True:
            page = store.find_runs(query)
            seen.extend(r.run_id for r in page.rows)
            if page.next_cursor is None:
                break
            assert len(page.rows) == 3
            query = replace(query, cursor=page.next_cursor)
        assert seen == [r.run_id for r in sorted(made, key=lambda r: (r.started_ns, r.run_id), reverse=True)]

    @pytest.mark.parametrize("order", sorted(ORDERS))
    def test_runs_are_listed_in_any_order_in_pages_without_gaps(self, store, project, runs, order):
        costs = (None, Decimal(0), Decimal("0.000000000001"), Decimal("0.62"), Decimal("0.62"), Decimal(12345), None)
        made = runs(
            *({"started_ns": NOW_NS + n, "cost_usd": c, "duration_ns": (n * 7) % 4} for n, c in enumerate(costs))
        )
        query, seen = RunQuery(project, limit=2, order=order), []
        while True:
            page = store.find_runs(query)
            seen.extend(r.run_id for r in page.rows)
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)
        known = order_of(order)
        expected = sorted(made, key=lambda r: (known.of(r), r.run_id), reverse=known.is_down)
        assert seen == [r.run_id for r in expected]
        if order.startswith("cost"):
            by_id = {r.run_id: r for r in made}
            assert [by_id[run].cost_usd for run in seen[-2:]] == [None, None]

    def test_a_cursor_of_another_order_is_refused(self, store, project, runs):
        runs({}, {})
        cursor = store.find_runs(RunQuery(project, limit=1, order="cost")).next_cursor
        with pytest.raises(RefusedError, match="order"):
            store.find_runs(RunQuery(project, limit=1, order="duration", cursor=cursor))
        with pytest.raises(RefusedError, match="order must be one of"):
            store.find_runs(RunQuery(project, order="colour"))

    def test_a_full_last_page_has_no_next(self, store, project, runs):
        runs({}, {})
        assert store.find_runs(RunQuery(project, limit=2)).next_cursor is None

    @pytest.mark.parametrize("cursor", ["x", "!!", "a" * 300, "MTIz", "LTUuYWI", "\ud800"])
    def test_a_cursor_that_is_not_ours_is_refused(self, store, project, cursor):
        with pytest.raises(RefusedError, match="cursor"):
            store.find_runs(RunQuery(project, cursor=cursor))

    @pytest.mark.parametrize(
        ("filters", "change"),
        [
            ({"environment": "staging"}, {"environment": "staging"}),
            ({"environment": ""}, {"environment": ""}),
            ({"workflow": "it's"}, {"workflow": "it's"}),
            ({"version": "7"}, {"workflow_version": "7"}),
            ({"agent": "critic"}, {"agents": ("writer", "critic")}),
            ({"service": "s2"}, {"service": "s2"}),
            ({"mode": "shadow"}, {"mode": RunMode.SHADOW}),
            ({"shape": ("setup", "no_agent")}, {"shape": RunShape.SETUP}),
            ({"status": "error"}, {"status": RunStatus.ERROR}),
            ({"outcome": "failure"}, {"outcome": Outcome(OutcomeLabel.FAILURE, "policy")}),
            ({"session": "s1"}, {"session_id": "s1"}),
            ({"user": "PERSON_1"}, {"user_id": "PERSON_1"}),
            ({"model": "claude"}, {"models": ("gpt", "claude")}),
            ({"tool": "refund"}, {"tools": ("read", "refund")}),
            ({"denied": True}, {"denials": 1}),
            ({"waiting": True}, {"waiting_for": "approval"}),
            ({"tag": "vip"}, {"tags": ("vip",)}),
            ({"attributes": {"team": "blue"}}, {"attributes": {"team": "blue"}}),
            ({"attributes": {"a.b-c": "1", "d": ""}}, {"attributes": {"a.b-c": "1", "d": "", "e": "2"}}),
            ({"min_cost": Decimal("0.5")}, {"cost_usd": Decimal("0.5")}),
            ({"text": "LOST luggage"}, {"input_preview": "I have lost Luggage, help"}),
            ({"text": "100%_"}, {"output_preview": "sure: 100%_"}),
            ({"text": "ärger"}, {"name": "Kein Ärger"}),
            ({"since_ns": NOW_NS + 5}, {"started_ns": NOW_NS + 5}),
            ({"until_ns": NOW_NS}, {"started_ns": NOW_NS - 1}),
        ],
    )
    def test_a_filter_finds_exactly_what_it_says(self, store, project, runs, filters, change):
        made = runs({}, change)
        page = store.find_runs(RunQuery(project, **filters))
        assert [r.run_id for r in page.rows] == [made[1].run_id]
        assert page.sentence.startswith("Runs, ")
        assert store.totals(RunQuery(project, **filters)).runs == 1

    @pytest.mark.parametrize("filters", [{"denied": False}, {"waiting": False}])
    def test_a_filter_can_ask_for_the_absence(self, store, project, runs, filters):
        made = runs({}, {"denials": 2, "waiting_for": "approval"})
        assert [r.run_id for r in store.find_runs(RunQuery(project, **filters)).rows] == [made[0].run_id]

    @pytest.mark.parametrize(
        "text", ["' OR 1=1 --", "\\", "{project:String}", "\0", "\ud800", "%", "a" * 5000, "}", "/*"]
    )
    def test_hostile_filter_values_are_only_values(self, store, project, runs, text):
        runs({})
        for name in ("workflow", "tool", "text", "environment", "session"):
            assert store.find_runs(RunQuery(project, **{name: text})).rows == ()
        assert store.find_runs(RunQuery(project, attributes={text: text})).rows == ()
        assert store.find_runs(RunQuery(text)).rows == ()

    @pytest.mark.parametrize(
        "text",
        ["unicorn", "UNICORN dust", 'said "yes"', "two\nlines", "größe", "in a log", "boom", "tool answer", "C:\\temp"],
    )
    def test_a_text_is_found_in_the_evidence_of_a_run(self, store, project, runs, write, text):
        made = runs({}, {})
        where = {"trace_id": TraceId(made[1].run_id)}
        write(
            a_clean_span(
                **where,
                attributes={
                    "short": "unicorn dust",
                    "long": "x" * 300 + 'she said "yes"',
                    "messages": [{"content": "two\nlines"}, "Größe", "C:\\temp"],
                },
                status_message="it went boom",
                events=(Event("e", 0, {"v": "tool answer"}),),
            ),
            a_clean_log(**where, body={"content": "in a log"}),
        )
        assert [r.run_id for r in store.find_runs(RunQuery(project, text=text)).rows] == [made[1].run_id]
        assert store.find_runs(RunQuery(project + "x", text=text)).rows == ()

    @pytest.mark.parametrize("until_ns", [None, NOW_NS + 86_400 * SECOND_NS])
    def test_a_text_is_found_on_every_page_over_many_days_whatever_the_range(
        self, store, project, runs, write, until_ns
    ):
        day_ns = 86_400 * SECOND_NS
        made = runs(*({"started_ns": NOW_NS - ago * day_ns} for ago in (0, 0, 0, 1, 2, 3, 9, 9, 20, 40)))
        for run in made:
            received = run.started_ns + 60 * SECOND_NS
            day = datetime.fromtimestamp(received / 1e9, UTC).date()
            write(
                a_clean_span(
                    trace_id=TraceId(run.run_id),
                    received_ns=received,
                    received_day=day,
                    attributes={"said": "common word"},
                )
            )
        query, seen = RunQuery(project, text="common", limit=2, until_ns=until_ns), []
        while True:
            page = store.find_runs(query)
            seen += [run.run_id for run in page.rows]
            if page.next_cursor is None:
                break
            query = replace(query, cursor=page.next_cursor)
        newest_first = sorted(made, key=lambda run: (run.started_ns, run.run_id), reverse=True)
        assert seen == [run.run_id for run in newest_first]
        for ago, count in ((0.5, 3), (2.5, 5), (30, 9)):
            since = RunQuery(project, text="common", since_ns=int(NOW_NS - ago * day_ns), until_ns=until_ns)
            assert len(store.find_runs(since).rows) == count
            assert store.totals(since).runs == count

    def test_a_filter_sees_only_the_winning_version(self, store, project):
        store.write_derived([an_assembly(project=project, version=1, status=RunStatus.RUNNING)])
        store.write_derived([an_assembly(project=project, version=2, status=RunStatus.OK)])
        assert store.find_runs(RunQuery(project, status="running")).rows == ()
        assert len(store.find_runs(RunQuery(project, status="ok")).rows) == 1

    # sums

    def test_totals_are_exact(self, store, project, runs):
        runs(
            {"cost_usd": Decimal("0.1"), "outcome": Outcome(OutcomeLabel.SUCCESS, "policy")},
            {"cost_usd": Decimal("0.2"), "status": RunStatus.ERROR, "errors": 3, "denials": 2},
            {"cost_usd": None, "unpriced_calls": 4, "waiting_for": "approval", "usage": Usage()},
            {"cost_usd": Decimal("0.000000000003"), "outcome": Outcome(OutcomeLabel.FAILURE, "policy")},
            {"cost_usd": Decimal("0.05"), "outcome": Outcome(OutcomeLabel.SUCCESS, "policy"), "mode": RunMode.SHADOW},
            {
                "cost_usd": None,
                "outcome": Outcome(OutcomeLabel.SUCCESS, "policy"),
                "continued_by": RunId("9" * 32),
                "usage": Usage(),
            },
        )
        totals = store.totals(RunQuery(project))
        assert totals == Totals(
            runs=6,
            success=1,
            failure=1,
            errors=1,
            denials=2,
            waiting=1,
            cost_usd=Decimal("0.350000000003"),
            unpriced_calls=4,
            input_tokens=480,
            output_tokens=120,
            beside=2,
            shadow_usd=Decimal("0.05"),
        )
        assert (totals.success_rate, totals.cost_per_success) == (1 / 4, Decimal("0.300000000003"))
        (line,) = store.fleet(RunQuery(project))
        assert line.totals == totals

    def test_totals_of_nothing_have_no_cost(self, store, project, runs):
        assert store.totals(RunQuery(project)) == Totals()
        runs({"cost_usd": None})
        assert store.totals(RunQuery(project)).cost_usd is None

    def test_run_sums_tell_workflows_and_stretches_of_time_apart(self, store, project, runs):
        live = {"workflow": "refund", "environment": "production"}
        runs(
            live
            | {"started_ns": NOW_NS, "cost_usd": Decimal("0.25"), "outcome": Outcome(OutcomeLabel.SUCCESS, "policy")},
            live | {"started_ns": NOW_NS + 9, "cost_usd": Decimal("2.5"), "status": RunStatus.ERROR, "denials": 2},
            live | {"started_ns": NOW_NS + 10, "cost_usd": None, "outcome": Outcome(OutcomeLabel.HANDED_OFF, "label")},
            live | {"started_ns": NOW_NS + 11, "mode": RunMode.SHADOW, "cost_usd": Decimal(9)},
            {"started_ns": NOW_NS + 3, "workflow": "triage", "environment": "staging", "cost_usd": Decimal("0.1")},
            live | {"started_ns": NOW_NS + 20},
        )
        query = RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 20)
        found = {(s.start_ns - NOW_NS, s.workflow): s for s in store.run_sums(query, 10)}
        assert set(found) == {(0, "refund"), (0, "triage"), (10, "refund")}
        first = found[0, "refund"]
        assert (first.runs, first.success, first.error_runs, first.denials, first.denied_runs) == (2, 1, 1, 2, 1)
        assert first.cost_nano_usd == 2_750_000_000
        second = found[10, "refund"]
        assert (second.runs, second.shadow, second.handed_off, second.cost_nano_usd) == (1, 1, 1, 0)
        whole = store.run_sums(replace(query, workflow="refund"), 20)
        assert [(s.runs, s.cost_nano_usd) for s in whole] == [(3, 2_750_000_000)]

    def test_run_sums_judge_jobs_and_count_tool_calls_by_how_they_ended(self, store, project, runs):
        later = RunId(a_trace_id(next(_numbers)))
        failure, success = (Outcome(label, "policy") for label in (OutcomeLabel.FAILURE, OutcomeLabel.SUCCESS))
        runs(
            {"started_ns": NOW_NS, "outcome": failure, "cost_usd": Decimal("0.5"), "continued_by": later},
            {"started_ns": NOW_NS + 1, "outcome": failure, "cost_usd": Decimal("0.25"), "interventions": 3},
            {
                "started_ns": NOW_NS + 2,
                "outcome": success,
                "tool_outcomes": {"ok": 4, "error": 2, "retried_then_ok": 1},
            },
            {"started_ns": NOW_NS + 3, "mode": RunMode.SHADOW, "tool_outcomes": {"error": 9}},
            {
                "started_ns": NOW_NS + 4,
                "tool_outcomes": {"timeout": 1, "invalid_arguments": 2, "denied": 3, "empty": 4},
            },
        )
        (sums,) = store.run_sums(RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 10), 10)
        assert (sums.jobs, sums.failure, sums.success, sums.failed_nano_usd) == (3, 1, 1, 250_000_000)
        assert (sums.intervened, sums.tool_results) == (1, 17)
        by_outcome = (sums.tool_errors, sums.tool_timeouts, sums.tool_invalid, sums.tool_denied, sums.tool_retried)
        assert by_outcome == (2, 1, 2, 3, 1)

    def test_a_series_of_sums_says_what_the_rows_say(self, store, project, runs):
        shadow = {"started_ns": NOW_NS + 3, "mode": RunMode.SHADOW}
        runs(
            *(
                {"workflow": workflow, "environment": environment, **more}
                for workflow, environment in (("b", "x"), ("a", "y"), ("a", "x"))
                for more in (*({"started_ns": NOW_NS + n} for n in (25, 3, 4)), shadow)
            )
        )
        query = RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 30)
        rows = {(s.workflow, s.environment, s.start_ns): s for s in store.run_sums(query, 10)}
        found = store.run_series(query, 10)
        assert [(s.workflow, s.environment) for s in found] == [("a", "x"), ("a", "y"), ("b", "x")]
        for s in found:
            assert s.starts_ns.tolist() == [NOW_NS, NOW_NS + 20]
            for name in SUM_FIELDS:
                assert s.sums[name].tolist() == [
                    getattr(rows[s.workflow, s.environment, t], name) for t in s.starts_ns.tolist()
                ]
        assert store.run_series(replace(query, workflow="nobody"), 10) == ()

    def test_run_sums_count_runs_beyond_a_bound(self, store, project):
        def tools(run_id, *names):
            return tuple(
                a_step(
                    kind=SpanKind.TOOL,
                    tool_name=name,
                    ordinal=n,
                    run_id=run_id,
                    span_id=a_span_id(n + 1),
                    start_ns=NOW_NS,
                )
                for n, name in enumerate(names)
            )

        cheap, dear, stuck = (RunId(a_trace_id(next(_numbers))) for _ in range(3))
        for at, (run_id, cost, names) in enumerate(
            ((cheap, "0.1", ("a", "b", "a")), (dear, "3", ()), (stuck, "0.1", ("b", "a", "a", "a", "b")))
        ):
            changes = {"run_id": run_id, "cost_usd": Decimal(cost), "started_ns": NOW_NS + at}
            store.write_derived([an_assembly(*tools(run_id, *names), project=project, **changes)])
        query = RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 10)

        def beyond(*bounds):
            return [s.examples for s in store.run_sums(query, 10, [RunBound(*bound) for bound in bounds])]

        assert beyond(("cost_usd", ">", 2.0)) == [(dear,)]
        assert beyond(("same_tool_in_a_row", ">=", 3.0)) == [(stuck,)]
        assert beyond(("same_tool_in_a_row", ">=", 3.0), ("cost_usd", ">=", 3.0)) == [(dear, stuck)]
        assert beyond(("cost_usd", "<", 0.0)) == [()]
        with pytest.raises(RefusedError, match="no number"):
            beyond(("1; DROP TABLE runs", ">", 1.0))

    def test_a_series_has_every_part_and_adds_up(self, store, project, runs):
        runs(*({"started_ns": NOW_NS + n} for n in (0, 1, 25, 99)), {"started_ns": NOW_NS + 100})
        series = store.series(RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 100), 4)
        assert [(b.start_ns - NOW_NS, b.totals.runs) for b in series] == [(0, 2), (25, 1), (50, 0), (75, 1)]
        assert series[2] == Bucket(NOW_NS + 50, Totals())

    def test_a_short_range_finds_its_runs_on_whatever_day_they_came(self, store, project, runs):
        days = [DAY + timedelta(days=n) for n in (-400, -1, 0, 1, 9)]
        runs(
            *({"first_received_day": day, "started_ns": NOW_NS + n} for n, day in enumerate(days)),
            {"started_ns": NOW_NS - 90 * SECOND_NS},
        )
        query = RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 60 * SECOND_NS)
        assert [run.started_ns - NOW_NS for run in store.find_runs(query).rows] == [4, 3, 2, 1, 0]
        assert store.totals(query).runs == 5
        assert sum(bucket.totals.runs for bucket in store.series(query, 4)) == 5
        newer = a_run(project=project, run_id=a_trace_id(1), version=2, started_ns=NOW_NS - 80 * SECOND_NS)
        store.write_derived([structs.replace(an_assembly(), run=newer)])
        assert store.totals(query).runs == 4, "its newest version began before the range"

    def test_a_series_without_a_range_spans_the_runs(self, store, project, runs):
        assert len(store.series(RunQuery(project), 3)) == 3
        runs({"started_ns": NOW_NS}, {"started_ns": NOW_NS + 89})
        assert [b.totals.runs for b in store.series(RunQuery(project), 3)] == [1, 0, 1]

    def test_one_reading_tells_the_runs_of_every_shape_in_every_part(self, store, project, runs):
        runs(
            {"started_ns": NOW_NS, "shape": RunShape.AGENT, "denials": 2},
            {"started_ns": NOW_NS + 30, "shape": RunShape.AGENT, "status": RunStatus.ERROR},
            {"started_ns": NOW_NS + 31, "shape": RunShape.SINGLE_CALL},
            {"started_ns": NOW_NS + 32, "shape": RunShape.SINGLE_CALL, "workflow": "other"},
        )
        query = RunQuery(project, since_ns=NOW_NS, until_ns=NOW_NS + 100, shape=("agent",))
        found = store.shape_series(query, 4)
        assert {shape: [b.totals.runs for b in parts] for shape, parts in found.items()} == {
            "agent": [1, 1, 0, 0],
            "single_call": [0, 2, 0, 0],
        }
        assert found["agent"][0] == Bucket(NOW_NS, Totals(runs=1, denials=2))
        assert found["agent"][1] == Bucket(NOW_NS + 25, Totals(runs=1, errors=1))
        assert list(store.shape_series(replace(query, workflow="other"), 4)) == ["single_call"]
        assert store.shape_series(replace(query, workflow="nobody"), 4) == {}

    @pytest.mark.parametrize("count", [0, -1, 10_000])
    def test_an_absurd_number_of_parts_is_refused(self, store, project, count):
        with pytest.raises(RefusedError, match="parts"):
            store.series(RunQuery(project), count)

    def test_an_empty_range_is_refused(self, store, project):
        with pytest.raises(RefusedError, match="range"):
            store.series(RunQuery(project, since_ns=10, until_ns=10), 2)

    def test_the_fleet_has_a_row_per_workflow_and_environment(self, store, project, runs):
        runs(
            *({"workflow": "a", "duration_ns": n, "started_ns": NOW_NS + n} for n in range(20)),
            {"workflow": "a", "environment": "staging", "duration_ns": 5, "status": RunStatus.RUNNING},
            {"workflow": "b", "cost_usd": Decimal(2)},
        )
        rows = store.fleet(RunQuery(project))
        assert [(r.workflow, r.environment, r.totals.runs) for r in rows] == [
            ("a", "production", 20),
            ("a", "staging", 1),
            ("b", "production", 1),
        ]
        assert (rows[0].p95_duration_ns, rows[0].last_started_ns) == (19, NOW_NS + 19)
        assert rows[1].p95_duration_ns == 0
        assert rows[2].totals.cost_usd == Decimal(2)

    def test_values_of_a_field_come_with_counts(self, store, project, runs):
        runs(
            {"tools": ("read", "refund"), "workflow": "a", "attributes": {"team": "x"}},
            {"tools": ("read",), "workflow": "b", "attributes": {"team": "x"}, "session_id": "s"},
            {"tools": (), "workflow": "b", "attributes": {}},
        )
        query = RunQuery(project)
        assert store.values(query, "tool") == (("read", 2), ("refund", 1))
        assert store.values(query, "workflow") == (("b", 2), ("a", 1))
        assert store.values(query, "workflow", limit=1) == (("b", 2),)
        assert store.values(query, "attr.team") == (("x", 2),)
        assert store.values(query, "session") == (("s", 1),)
        assert store.values(replace(query, workflow="a"), "tool") == (("read", 1), ("refund", 1))
        assert store.values(query, "shape") == (("agent", 3),)
        for name in (
            "environment",
            "version",
            "agent",
            "service",
            "mode",
            "status",
            "outcome",
            "user",
            "model",
            "tag",
            "dialect",
        ):
            store.values(query, name)

    def test_groups_have_the_sums_of_their_runs(self, store, project, runs):
        won, lost = Outcome(OutcomeLabel.SUCCESS, "policy"), Outcome(OutcomeLabel.FAILURE, "policy")
        runs(
            {"user_id": "u1", "tools": ("a", "b"), "outcome": won, "cost_usd": Decimal("0.5"), "denials": 1},
            {"user_id": "u1", "tools": ("a",), "outcome": lost, "cost_usd": Decimal("0.25"), "started_ns": NOW_NS + 9},
            {"user_id": "u2", "tools": (), "outcome": won, "cost_usd": Decimal("0.1"), "usage": Usage(9_000, 1)},
            {"user_id": "u3", "tools": (), "cost_usd": None, "denials": 5, "usage": Usage()},
            {"user_id": "", "tools": (), "cost_usd": Decimal(9)},
        )
        query = RunQuery(project)
        one, two, three = store.groups(query, "user")
        assert (one.value, one.last_started_ns) == ("u1", NOW_NS + 9)
        assert one.totals == store.totals(replace(query, user="u1"))
        assert (one.totals.success_rate, one.totals.cost_per_success) == (0.5, Decimal("0.75"))
        assert (two.value, three.value, three.totals.cost_usd) == ("u2", "u3", None)
        assert [(row.value, row.totals.runs) for row in store.groups(query, "tool")] == [("a", 2), ("b", 1)]
        assert store.groups(query, "user", limit=1) == (one,)
        assert store.groups(replace(query, workflow="nobody"), "user") == ()

    @pytest.mark.parametrize(
        ("order", "users"),
        [
            ("runs_up", "u2 u3 u1"),
            ("success", "u2 u1 u3"),
            ("success_up", "u1 u2 u3"),
            ("cost", "u1 u2 u3"),
            ("cost_up", "u2 u1 u3"),
            ("per_success", "u1 u2 u3"),
            ("per_success_up", "u2 u1 u3"),
            ("tokens", "u2 u1 u3"),
            ("tokens_up", "u3 u1 u2"),
            ("denials", "u3 u1 u2"),
            ("denials_up", "u2 u1 u3"),
            ("last", "u1 u3 u2"),
            ("last_up", "u2 u3 u1"),
        ],
    )
    def test_groups_are_ordered_with_what_is_not_known_last(self, store, project, runs, order, users):
        won, lost = Outcome(OutcomeLabel.SUCCESS, "policy"), Outcome(OutcomeLabel.FAILURE, "policy")
        runs(
            {"user_id": "u1", "outcome": won, "cost_usd": Decimal("0.5"), "denials": 1},
            {"user_id": "u1", "outcome": lost, "cost_usd": Decimal("0.25"), "started_ns": NOW_NS + 9},
            {"user_id": "u2", "outcome": won, "cost_usd": Decimal("0.1"), "usage": Usage(9_000, 1)},
            {"user_id": "u3", "cost_usd": None, "denials": 5, "usage": Usage(), "started_ns": NOW_NS + 1},
        )
        assert [row.value for row in store.groups(RunQuery(project), "user", order)] == users.split()

    @pytest.mark.parametrize(("name", "order"), [("password", ""), ("user", "name; DROP"), ("user", "RUNS")])
    def test_groups_of_no_field_or_in_no_order_are_refused(self, store, project, name, order):
        with pytest.raises(RefusedError):
            store.groups(RunQuery(project), name, order)

    @pytest.mark.parametrize("name", ["", "password", "name; DROP", "data"])
    def test_values_of_an_unknown_field_are_refused(self, store, project, name):
        with pytest.raises(RefusedError, match="no field"):
            store.values(RunQuery(project), name)

    # roll-ups

    def test_hours_add_up_to_what_the_runs_say(self, store, project):
        """Every engine against the sums in plain Python, over runs that differ in everything that is grouped by."""
        made = many_assemblies(project)
        store.write_derived(made)
        while store.roll_up():
            pass
        for by in ((), PER_HOUR, (HourField.WORKFLOW,), tuple(HourField)):
            assert store.hours(HourQuery(project), by) == run_hours(made, HourQuery(project), by)
        for calls_by in ((), CALLS_PER_HOUR, (CallField.KIND, CallField.OUTCOME), tuple(CallField)):
            assert store.call_hours(HourQuery(project), calls_by) == call_hours(made, HourQuery(project), calls_by)

    @pytest.mark.parametrize(
        "filters",
        [
            {"environment": "staging"},
            {"workflow": "it's"},
            {"version": "2"},
            {"mode": "shadow"},
            {"since_ns": NOW_NS + 1},
            {"until_ns": NOW_NS + 3600 * SECOND_NS},
            {"since_ns": -5, "until_ns": 2**70},
        ],
    )
    def test_hours_can_be_narrowed(self, store, project, filters):
        made = many_assemblies(project)
        store.write_derived(made)
        while store.roll_up():
            pass
        query = HourQuery(project, **filters)
        assert store.hours(query) == run_hours(made, query, PER_HOUR) != ()
        assert store.call_hours(query) == call_hours(made, query, CALLS_PER_HOUR)

    def test_a_run_that_is_assembled_again_is_summed_once(self, store, project):
        for version in (1, 2, 3):
            store.write_derived([an_assembly(a_step(), project=project, version=version)])
            store.roll_up()
            (row,) = store.hours(HourQuery(project))
            assert (row.runs, row.model_calls, row.cost_usd) == (1, 1, Decimal("0.0006"))
            assert [r.calls for r in store.call_hours(HourQuery(project))] == [1]

    def test_a_run_that_moves_leaves_nothing_behind(self, store, project):
        store.write_derived([an_assembly(project=project, version=1, workflow="before", status=RunStatus.RUNNING)])
        store.roll_up()
        later = {"started_ns": NOW_NS + 7200 * SECOND_NS, "workflow_version": "2"}
        store.write_derived([an_assembly(project=project, version=2, workflow="after", **later)])
        store.roll_up()
        assert [(row.workflow, row.runs) for row in store.hours(HourQuery(project))] == [("after", 1)]
        assert [row.workflow for row in store.call_hours(HourQuery(project))] == ["after"]
        store.write_derived([an_assembly(project=project, version=3, workflow="after", **later, mode=RunMode.SHADOW)])
        store.roll_up()
        assert [(r.mode, r.runs) for r in store.hours(HourQuery(project), (HourField.MODE,))] == [("shadow", 1)]

    def test_hours_are_as_of_the_last_roll_up(self, store, project):
        while store.roll_up():
            pass
        store.write_derived([an_assembly(project=project)])
        assert store.hours(HourQuery(project)) == ()
        assert store.dirty_hours() == 1
        assert store.roll_up() == 1
        assert store.dirty_hours() == 0
        assert store.roll_up() == 0

    def test_many_dirty_hours_are_summed_in_portions(self, store, project):
        while store.roll_up():
            pass
        hours = [NOW_NS + n * 3600 * SECOND_NS for n in range(80)]
        store.write_derived(
            [an_assembly(project=project, run_id=a_trace_id(n + 1), started_ns=t) for n, t in enumerate(hours)]
        )
        assert [store.roll_up(limit=70), store.roll_up(limit=70)] == [70, 10]
        assert [(row.hour_ns, row.runs) for row in store.hours(HourQuery(project))] == [(t, 1) for t in hours]

    def test_hours_of_a_dropped_day_go_with_it(self, store, project):
        day = date(2050, 1, 1) + timedelta(days=int(next(_numbers) % 5000))
        store.write_derived([an_assembly(project=project, first_received_day=day)])
        store.write_derived([an_assembly(project=project, run_id=a_trace_id(3))])
        store.roll_up()
        assert [row.runs for row in store.hours(HourQuery(project))] == [2]
        store.drop_day(day)
        store.roll_up()
        assert [row.runs for row in store.hours(HourQuery(project))] == [1]
        store.drop_project(project)
        assert store.hours(HourQuery(project)) == ()

    # removal

    def test_a_project_can_be_removed_whole_and_nothing_else(self, store, project, write, runs):
        other = project + "-other"
        write(a_clean_span(status_message="x"), a_clean_log())
        runs({}, {})
        store.write_derived([an_assembly(project=other)])
        assert {project, other} <= set(store.projects())
        assert store.drop_project(project) == 2
        assert store.drop_project(project) == 0
        assert store.read_evidence(project, TRACE).spans == ()
        assert store.read_evidence(project, TRACE).logs == ()
        assert store.read_facts(project, [TRACE]) == []
        assert store.find_runs(RunQuery(project)).rows == ()
        assert store.read_steps(project, RunId(a_trace_id(1))) == ()
        assert project not in store.projects()
        assert store.read_run(other, TRACE) is not None

    def test_a_day_can_be_dropped_and_nothing_else(self, store, project, write):
        day = date(1999, 1, 1) + timedelta(days=int(next(_numbers) % 5000))
        write(a_clean_span(status_message="x", received_day=day), a_clean_log(received_day=day))
        write(a_clean_span(trace_id=a_trace_id(7)))
        store.write_derived([an_assembly(a_step(), a_step(ordinal=1), project=project, first_received_day=day)])
        removed = store.drop_day(day)
        assert removed == {"spans": 1, "span_contents": 1, "logs": 1, "facts": 2, "steps": 2, "runs": 1}
        assert set(store.drop_day(day).values()) == {0}
        assert store.read_evidence(project, TRACE).spans == ()
        assert len(store.read_evidence(project, a_trace_id(7)).spans) == 1
        assert store.read_run(project, TRACE) is None

    def test_the_content_of_a_day_can_be_dropped_and_every_number_stays(self, store, project, write):
        day = date(2040, 1, 1) + timedelta(days=int(next(_numbers) % 5000))
        span = a_clean_span(status_message="boom", received_day=day, attributes={"long": "x" * 300, "n": 1})
        write(span, a_clean_log(received_day=day), input_preview="hello", error_message="boom")
        write(a_clean_span(trace_id=a_trace_id(7), status_message="kept"), input_preview="kept")
        store.write_derived(
            [
                an_assembly(
                    a_step(error_message="boom"),
                    a_step(ordinal=1),
                    project=project,
                    first_received_day=day,
                    output_preview="bye",
                ),
                an_assembly(project=project, run_id=a_trace_id(7), output_preview="kept"),
            ],
        )
        assert day in store.stored_days()
        assert store.drop_content(day) == {"span_contents": 1, "logs": 1, "previews": 4}
        assert set(store.drop_content(day).values()) == {0}
        (left,) = store.read_evidence(project, TRACE).spans
        assert (left.span.attributes, left.span.status_message) == ({"n": 1}, "")
        assert store.read_evidence(project, TRACE).logs == ()
        assert {(f.input_preview, f.error_message) for f in store.read_facts(project, [TRACE])} == {("", "")}
        assert [f.input_preview for f in store.read_facts(project, [a_trace_id(7)])] == ["kept"]
        assert store.read_run(project, TRACE).output_preview == ""
        assert store.read_run(project, a_trace_id(7)).output_preview == "kept"
        assert [s.error_message for s in store.read_steps(project, RunId(TRACE))] == ["", ""]
        assert store.totals(RunQuery(project)).runs == 2

    # removal with survivors

    @pytest.fixture
    def old_day(self):
        return date(2060, 1, 1) + timedelta(days=int(next(_numbers) % 5000))

    @pytest.fixture
    def two_runs(self, store, project, write, old_day):
        """A run that will stay (trace 1, workflow `kept`) and one that will go (trace 2, `refunds`), on one old day."""
        for number, workflow in ((1, "kept"), (2, "refunds")):
            trace = a_trace_id(number)
            own = {"trace_id": trace, "received_day": old_day}
            write(
                a_clean_span(**own, status_message="boom", attributes={"long": "x" * 300}),
                a_clean_log(**own),
                input_preview="hello",
            )
            steps = (a_step(error_message="boom", has_input=True), a_step(ordinal=1))
            run = {"workflow": workflow, "first_received_day": old_day, "output_preview": "bye"}
            store.write_derived([an_assembly(*steps, project=project, run_id=RunId(trace), **run)])
        while store.roll_up():
            pass

    @pytest.mark.parametrize("how", ["workflow", "project", "pin", "default"])
    def test_of_an_expired_day_the_survivors_stay_whole(self, store, project, two_runs, old_day, how):
        survivors = {
            "workflow": Survivors(workflows={(project, "kept"): True}),
            "project": Survivors(projects={project: True}, workflows={(project, "refunds"): False}),
            "pin": Survivors(pinned=frozenset({(project, a_trace_id(1))})),
            "default": Survivors(default=True, workflows={(project, "refunds"): False}),
        }[how]
        goes = {"spans": 1, "span_contents": 1, "logs": 1, "facts": 2, "steps": 2, "runs": 1}
        before = store.read_evidence(project, a_trace_id(1))
        assert store.preview_drop(old_day, survivors, content=False) == goes
        assert store.day_bytes(old_day) > 0
        assert store.drop_day(old_day, survivors) == goes
        assert set(store.drop_day(old_day, survivors).values()) == {0}
        assert store.read_evidence(project, a_trace_id(1)) == before
        assert len(before.spans) == len(before.logs) == 1
        assert store.read_run(project, a_trace_id(1)).output_preview == "bye"
        assert len(store.read_steps(project, RunId(a_trace_id(1)))) == 2
        assert store.read_run(project, a_trace_id(2)) is None
        assert store.read_facts(project, [a_trace_id(2)]) == []
        assert store.why_gone(project, a_trace_id(1)) is None
        assert store.why_gone(project, a_trace_id(2)).reason is GoneReason.EXPIRED
        assert store.why_gone(project, a_trace_id(3)) is None
        while store.roll_up():
            pass
        assert [(row.workflow, row.runs) for row in store.hours(HourQuery(project))] == [("kept", 1)]
        assert store.drop_day(old_day) == {**goes}
        assert store.hours(HourQuery(project)) == ()
        assert old_day not in store.stored_days()

    def test_the_content_of_survivors_stays_and_the_others_say_when_theirs_went(
        self, store, project, two_runs, old_day, write
    ):
        survivors = Survivors(pinned=frozenset({(project, a_trace_id(1))}))
        assert store.preview_drop(old_day, survivors, content=True) == {"span_contents": 1, "logs": 1}
        assert store.drop_content(old_day, survivors) == {"span_contents": 1, "logs": 1, "previews": 4}
        assert set(store.drop_content(old_day, survivors).values()) == {0}
        kept, gone = (store.read_evidence(project, a_trace_id(n)) for n in (1, 2))
        assert "long" in kept.spans[0].span.attributes
        assert len(kept.logs) == 1
        assert "long" not in gone.spans[0].span.attributes
        assert gone.logs == ()
        assert store.read_run(project, a_trace_id(1)).content_expired_ns == 0
        expired = store.read_run(project, a_trace_id(2))
        assert expired.content_expired_ns > 0
        assert [s.content_state for s in store.read_steps(project, RunId(a_trace_id(1)))] == ["absent", "absent"]
        assert [s.content_state for s in store.read_steps(project, RunId(a_trace_id(2)))] == ["expired", "absent"]
        # A straggler makes a new version of the run; that its content went is not forgotten.
        again = an_assembly(project=project, run_id=RunId(a_trace_id(2)), version=9, first_received_day=old_day)
        store.write_derived([again])
        assert store.read_run(project, a_trace_id(2)).content_expired_ns == expired.content_expired_ns

    def test_everything_of_a_trace_can_be_erased_and_nothing_else(
        self, store, project, two_runs, write, old_day, monkeypatch
    ):
        # Waiting for the bytes takes half a minute and has a test of its own.
        monkeypatch.setattr("store.clickhouse.keeping.Keeping.wait_for_bytes", lambda *_: None)
        other_day = old_day + timedelta(days=1)
        write(a_clean_span(trace_id=a_trace_id(2), span_id=a_span_id(8), received_day=other_day))
        # What was sent again and assembled again stands twice until the engine merges it, and is one item to a person.
        write(a_clean_span(trace_id=a_trace_id(2), span_id=a_span_id(8), received_day=other_day))
        run = {"workflow": "refunds", "first_received_day": old_day, "version": 9}
        again = an_assembly(a_step(), a_step(ordinal=1), project=project, run_id=RunId(a_trace_id(2)), **run)
        store.write_derived([again])
        counts = {"spans": 2, "span_contents": 1, "logs": 1, "facts": 3, "steps": 2, "runs": 1}
        assert store.count_traces(project, [a_trace_id(2)]) == counts
        assert store.erase(project, [a_trace_id(2)]) == counts
        assert set(store.erase(project, [a_trace_id(2)]).values()) == {0}
        assert store.read_evidence(project, a_trace_id(2)).spans == ()
        assert store.read_run(project, a_trace_id(2)) is None
        assert store.read_facts(project, [a_trace_id(2)]) == []
        assert store.why_gone(project, a_trace_id(2)).reason is GoneReason.ERASED
        assert store.read_run(project, a_trace_id(1)) is not None
        assert store.read_evidence(project, a_trace_id(1)).spans
        while store.roll_up():
            pass
        assert [row.workflow for row in store.hours(HourQuery(project))] == ["kept"]

    @pytest.mark.parametrize(
        "item",
        [
            {"attributes": {"user.id": "<PERSON_abcdefgh>"}},
            {"attributes": {"deep": [{"text": "x" * 300 + "<PERSON_abcdefgh>"}]}},
            {"status_message": "no <PERSON_abcdefgh>"},
            {"name": "call <PERSON_abcdefgh>"},
            {"events": (Event("e", 0, {"v": "<PERSON_abcdefgh>"}),)},
            {"attributes": {"<PERSON_abcdefgh>": 1}},
            {"trace_state": "vendor=<PERSON_abcdefgh>"},
            {"resource": Resource(attributes={"owner of <PERSON_abcdefgh>": 1})},
            {"scope": Scope(name="tracer of <PERSON_abcdefgh>")},
            {"scope": Scope(attributes={"<PERSON_abcdefgh>": 1})},
        ],
    )
    def test_every_trace_that_holds_a_pseudonym_is_found(self, store, project, write, item):
        write(a_clean_span(trace_id=a_trace_id(1)), a_clean_span(trace_id=a_trace_id(2), **item))
        assert store.find_traces(project, "<PERSON_abcdefgh>") == (a_trace_id(2),)
        assert store.find_traces(project + "x", "<PERSON_abcdefgh>") == ()

    @pytest.mark.parametrize(
        "log",
        [
            {"body": {"<PERSON_abcdefgh>": 1}},
            {"attributes": {"<PERSON_abcdefgh>": 1}},
            {"event_name": "asked by <PERSON_abcdefgh>"},
            {"severity_text": "<PERSON_abcdefgh>"},
            {"resource": Resource(attributes={"<PERSON_abcdefgh>": 1})},
            {"scope": Scope(name="<PERSON_abcdefgh>")},
        ],
    )
    def test_every_log_that_holds_a_pseudonym_is_found(self, store, project, write, log):
        write(a_clean_log(trace_id=a_trace_id(1)), a_clean_log(trace_id=a_trace_id(2), log_id="2" * 32, **log))
        assert store.find_traces(project, "<PERSON_abcdefgh>") == (a_trace_id(2),)

    @pytest.mark.parametrize(
        "run",
        [
            {"workflow": "desk of <PERSON_abcdefgh>"},
            {"tags": ("<PERSON_abcdefgh>",)},
            {"attributes": {"<PERSON_abcdefgh>": "1"}},
            {"waiting_for": "<PERSON_abcdefgh>"},
        ],
    )
    def test_every_run_that_holds_a_pseudonym_is_found(self, store, project, run):
        store.write_derived([an_assembly(project=project, run_id=RunId(a_trace_id(3)), **run)])
        assert store.find_traces(project, "<PERSON_abcdefgh>") == (a_trace_id(3),)

    def test_a_pseudonym_is_found_in_logs_facts_and_runs(self, store, project, write):
        write(a_clean_log(trace_id=a_trace_id(1), body={"content": "<PERSON_abcdefgh>"}))
        write(a_clean_span(trace_id=a_trace_id(2)), input_preview="<PERSON_abcdefgh> calls")
        run = an_assembly(project=project, run_id=RunId(a_trace_id(3)), user_id="<PERSON_abcdefgh>")
        store.write_derived([run])
        assert store.find_traces(project, "<PERSON_abcdefgh>") == tuple(a_trace_id(n) for n in (1, 2, 3))

    def test_the_times_of_traces_are_those_of_their_spans_and_logs(self, store, project, write):
        """A run of logs alone has times, too: whether it is a record and what left with it depend on them."""
        write(a_clean_log(trace_id=a_trace_id(1), time_ns=NOW_NS + 5, received_ns=NOW_NS + 9))
        assert store.times_of(project, [a_trace_id(1)]) == TraceTimes(NOW_NS + 5, NOW_NS + 5, NOW_NS + 9, NOW_NS + 9)
        write(a_clean_span(trace_id=a_trace_id(2), start_ns=NOW_NS + 7, received_ns=NOW_NS + 8))
        both = [a_trace_id(1), a_trace_id(2)]
        assert store.times_of(project, both) == TraceTimes(NOW_NS + 5, NOW_NS + 7, NOW_NS + 8, NOW_NS + 9)
        assert store.times_of(project, [a_trace_id(3)]) is None
        assert store.times_of(project + "x", both) is None

    def test_rows_are_counted_by_project(self, store, project, two_runs):
        found = store.stored_rows()
        assert (found["spans"][project], found["runs"][project]) == (2, 2)

    # export

    @pytest.mark.parametrize("table", list(ExportTable))
    def test_an_export_has_every_row_once_whatever_arrived_twice(self, store, project, write, table):
        for day in (DAY, DAY + timedelta(days=1)):
            for number in (1, 2):
                own = {"trace_id": a_trace_id(number), "received_day": day}
                write(a_clean_span(**own, attributes={"long": "y" * 300}), a_clean_log(**own))
        for version in (1, 2):
            for number in (1, 2):
                steps = (a_step(), a_step(ordinal=1))
                run = {"run_id": RunId(a_trace_id(number)), "version": version}
                store.write_derived([an_assembly(*steps[:version], project=project, **run)])
        rows = [row for piece in store.export(ExportQuery(project), table) for row in piece.to_pylist()]
        assert len(rows) == {"runs": 2, "steps": 4, "spans": 2, "logs": 2}[table.value]
        assert list(store.export(ExportQuery(project + "x"), table)) == []
        later = ExportQuery(project, since_ns=NOW_NS + SECOND_NS)
        assert table is ExportTable.STEPS or list(store.export(later, table)) == []
        assert list(store.export(ExportQuery(project, until_ns=NOW_NS), table)) == []

    def test_stored_bytes_grow(self, store, write):
        write(a_clean_span())
        assert store.stored_bytes()["spans"] > 0

    def test_what_was_hidden_is_summed_by_time_entity_field_and_rules(self, store, project, write):
        notes = (
            RedactionNote("/attributes/gen_ai.input.messages/0/content", "PERSON", "pseudonym"),
            RedactionNote("/attributes/gen_ai.input.messages/1/content", "PERSON", "pseudonym"),
            RedactionNote("/resource/attributes/host~1name", "IP_ADDRESS", "pseudonym"),
            RedactionNote("/events/0/attributes/exception.message", "SECRET", "pseudonym"),
            RedactionNote("/status/message", "SECRET", "pseudonym"),
        )
        write(
            a_clean_span(notes=notes),
            a_clean_span(span_id=a_span_id(8), notes=(), redaction=Redaction.WITHHELD),
            a_clean_log(notes=(RedactionNote("/body", "PERSON", "pseudonym"),)),
        )
        width = 3_600 * SECOND_NS
        found = store.hidden(HiddenQuery(project, NOW_NS - width, NOW_NS + width, width))
        begin = NOW_NS // width * width
        assert {(one.begin_ns, one.entity, one.values) for one in found.in_time} == {
            (begin, "PERSON", 3), (begin, "IP_ADDRESS", 1), (begin, "SECRET", 2)
        }  # fmt: skip
        assert {(one.entity, one.field, one.values) for one in found.fields} == {
            ("PERSON", "gen_ai.input.messages", 2), ("PERSON", "body", 1), ("IP_ADDRESS", "resource host/name", 1),
            ("SECRET", "event exception.message", 1), ("SECRET", "status message", 1),
        }  # fmt: skip
        assert {(one.fingerprint, one.redaction, one.items) for one in found.rules} == {
            ("rules-1", "full", 2), ("rules-1", "withheld", 1)
        }  # fmt: skip
        nothing = store.hidden(HiddenQuery(project, NOW_NS + width, NOW_NS + 2 * width, width))
        assert (nothing.in_time, nothing.fields, nothing.rules) == ((), (), ())

    def test_a_text_is_found_in_whatever_column_it_stands(self, store, project, write):
        needle, other = f"Needle {project}", f"unseen {project}"
        write(
            a_clean_span(attributes={"a": needle.upper()}),
            a_clean_span(span_id=a_span_id(8), attributes={"gen_ai.input.messages": f"long {needle} text" * 50}),
        )
        found = store.find_text([other, needle])
        assert {one.text for one in found} == {1}
        assert {"spans", "span_contents"} <= {one.table for one in found}

    def test_hidden_values_are_features_of_runs_and_steps(self, store, project):
        run = a_run(project=project, entities={"PERSON": 2}, entities_by_tool={"lookup PERSON": 1})
        step = a_step(entities={"PERSON": 1})
        store.write_derived([structs.replace(an_assembly(), run=run, steps=(step,))])
        assert store.read_run(project, TraceId(run.run_id)).entities == {"PERSON": 2}
        assert store.read_run(project, TraceId(run.run_id)).entities_by_tool == {"lookup PERSON": 1}

    # life

    def test_migrating_again_changes_nothing(self, store, project, write):
        write(a_clean_span())
        store.migrate()
        assert len(store.read_evidence(project, TRACE).spans) == 1

    def test_threads_may_use_it_at_once(self, store, project):
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for n in range(5):
                    trace = TraceId(f"{number:016x}{n + 1:016x}")
                    item = a_clean_span(trace_id=trace, project=project)
                    store.write_evidence(tables_for(item))
                    store.write_derived([an_assembly(project=project, run_id=RunId(trace))])
                    assert store.read_evidence(project, trace).spans
                    assert store.find_runs(RunQuery(project)).rows
            except BaseException as error:  # noqa: BLE001 - shown by the assertion below
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert store.totals(RunQuery(project)).runs == 20

    def test_a_table_in_several_pieces_is_stored_whole(self, store, project):
        items = [a_clean_span(project=project, span_id=a_span_id(n + 1)) for n in range(3)]
        parts = [tables_for(item) for item in items]
        store.write_evidence({name: pa.concat_tables([p[name] for p in parts]) for name in parts[0]})
        assert len(store.read_evidence(project, TRACE).spans) == 3
