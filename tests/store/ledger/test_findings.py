"""Findings: one row per episode, whatever is evaluated again; a history of what happened; decisions of people."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from spans.errors import NotFoundError
from spans.finding import (
    FeatureChange,
    FindingEventKind,
    FindingKind,
    FindingState,
    Impact,
    Severity,
)
from spans.ids import RunId
from store.ledger.findings import FindingQuery
from tests.builders import a_finding

HOUR = 3_600_000_000_000
T0 = 1_790_000_000 * 1_000_000_000
AGAIN = 12 * HOUR


def stated(ledger, at_ns, *findings):
    return ledger.findings.record(findings, at_ns, AGAIN)


def listed(ledger, **query):
    return ledger.findings.list(FindingQuery("default", **query))


def events(ledger, finding):
    return [event.kind for event in ledger.findings.get("default", finding.finding_id).history]


def test_a_finding_comes_back_as_it_was_stated(ledger):
    finding = a_finding(
        features=(FeatureChange("cost_usd", 0.011, 0.014, 5.2, "usd"), FeatureChange("tools", None, None, -4.0)),
        impact=Impact(119, 7, ("refund",), 3, Decimal("42.10")),
        run_ids=tuple(RunId(f"{n:032x}") for n in range(3)),
        detail={"reference": {"kind": "trailing"}},
    )
    (opened,) = stated(ledger, T0, finding)
    (found,) = listed(ledger)
    assert found == opened
    assert found == replace(finding, detected_ns=T0, last_seen_ns=T0, finding_id=opened.finding_id)
    assert events(ledger, found) == [FindingEventKind.OPENED]


def test_stating_it_again_changes_nothing(ledger):
    stated(ledger, T0, a_finding())
    before = listed(ledger)
    assert stated(ledger, T0, a_finding()) == ()
    assert listed(ledger) == before
    assert stated(ledger, T0 - HOUR, a_finding(summary="told late")) == ()
    assert listed(ledger) == before


def test_a_later_statement_brings_it_up_to_date_and_keeps_when_it_was_detected(ledger):
    stated(ledger, T0, a_finding(since_ns=T0 - HOUR))
    assert stated(ledger, T0 + HOUR, a_finding(summary="Worse.", since_ns=T0)) == ()
    (found,) = listed(ledger)
    assert (found.detected_ns, found.since_ns, found.last_seen_ns) == (T0, T0 - HOUR, T0 + HOUR)
    assert found.summary == "Worse."
    assert events(ledger, found) == [FindingEventKind.OPENED, FindingEventKind.UPDATED]


def test_the_surest_statement_stays_but_its_impact_grows(ledger):
    sure, less = (a_finding(summary=f"z {z}", features=(FeatureChange("cost_usd", 1, 2, z),)) for z in (9.0, -5.0))
    stated(ledger, T0, replace(sure, impact=Impact(runs=10)))
    stated(ledger, T0 + HOUR, replace(less, impact=Impact(runs=25)))
    (found,) = listed(ledger)
    assert (found.summary, found.features[0].z, found.impact.runs) == ("z 9.0", 9.0, 25)


def test_a_higher_severity_is_news(ledger):
    stated(ledger, T0, a_finding(severity=Severity.TICKET))
    (news,) = stated(ledger, T0 + HOUR, a_finding(severity=Severity.PAGE))
    assert news.severity is Severity.PAGE


def test_what_is_no_longer_seen_closes_and_what_returns_soon_is_the_same_finding(ledger):
    stated(ledger, T0, a_finding())
    assert ledger.findings.close_unseen("default", [FindingKind.DRIFT], T0 + HOUR, AGAIN) == ()
    (closed,) = ledger.findings.close_unseen("default", [FindingKind.DRIFT], T0 + AGAIN, AGAIN)
    assert (closed.state, closed.closed_ns) == (FindingState.CLOSED, T0 + AGAIN)
    assert ledger.findings.close_unseen("default", [FindingKind.DRIFT], T0 + AGAIN, AGAIN) == ()
    (again,) = stated(ledger, T0 + AGAIN, a_finding())
    assert (again.finding_id, again.state, again.closed_ns) == (closed.finding_id, FindingState.OPEN, None)
    assert events(ledger, again) == [FindingEventKind.OPENED, FindingEventKind.CLOSED, FindingEventKind.REOPENED]


def test_what_returns_late_is_another_finding(ledger):
    stated(ledger, T0, a_finding())
    (later,) = stated(ledger, T0 + 3 * AGAIN, a_finding())
    assert [f.detected_ns for f in listed(ledger)] == [T0 + 3 * AGAIN, T0]
    assert len({f.finding_id for f in listed(ledger)}) == 2
    assert later.detected_ns == T0 + 3 * AGAIN


@pytest.mark.parametrize(
    "other",
    [
        {"subject": "pinned"},
        {"workflow": "other"},
        {"environment": "staging"},
        {"kind": FindingKind.LOOP},
        {"project": "other"},
    ],
)
def test_statements_about_different_things_are_different_findings(ledger, other):
    assert len(stated(ledger, T0, a_finding(), a_finding(**other))) == 2


def test_what_a_person_expects_stays_quiet_but_recorded(ledger):
    (found,) = stated(ledger, T0, a_finding())
    ledger.findings.expect("default", found.finding_id, "ana", "planned model move")
    assert stated(ledger, T0 + HOUR, a_finding(severity=Severity.PAGE)) == ()
    (now,) = listed(ledger)
    assert (now.state, now.last_seen_ns, now.severity) == (FindingState.EXPECTED, T0 + HOUR, Severity.PAGE)
    event = ledger.findings.get("default", found.finding_id).history[-1]
    assert {(e.kind, e.by) for e in ledger.findings.get("default", found.finding_id).history} >= {
        (FindingEventKind.EXPECTED, "ana")
    }
    assert event.note


def test_a_silence_ends_by_itself(ledger):
    (found,) = stated(ledger, T0, a_finding())
    ledger.findings.silence("default", found.finding_id, T0 + 5 * HOUR, "ana")
    assert stated(ledger, T0 + HOUR, a_finding()) == ()
    assert listed(ledger)[0].state is FindingState.SILENCED
    (news,) = stated(ledger, T0 + 5 * HOUR, a_finding())
    assert news.state is FindingState.OPEN


def test_decisions_about_findings_of_others_are_refused(ledger):
    (found,) = stated(ledger, T0, a_finding())
    with pytest.raises(NotFoundError):
        ledger.findings.expect("other", found.finding_id, "ana")
    assert ledger.findings.get("other", found.finding_id) is None


def test_the_list_filters_by_kind_workflow_state_and_moment_of_detection(ledger):
    stated(ledger, T0, a_finding(), a_finding(kind=FindingKind.LOOP, subject="run 1"))
    stated(ledger, T0 + HOUR, a_finding(workflow="mail"))
    assert len(listed(ledger)) == 3
    assert [f.kind for f in listed(ledger, kinds=("loop",))] == [FindingKind.LOOP]
    assert [f.workflow for f in listed(ledger, workflow="mail")] == ["mail"]
    assert [f.detected_ns for f in listed(ledger, since_ns=T0 + 1)] == [T0 + HOUR]
    assert [f.detected_ns for f in listed(ledger, until_ns=T0 + HOUR)] == [T0, T0]
    assert listed(ledger, states=("closed",)) == ()
    assert len(listed(ledger, limit=2)) == 2


def test_forgetting_a_project_forgets_its_findings(ledger):
    stated(ledger, T0, a_finding(), a_finding(project="other"))
    ledger.forget_project("default")
    assert listed(ledger) == ()
    assert len(ledger.findings.list(FindingQuery("other"))) == 1


def test_text_that_no_database_can_hold_is_held(ledger):
    (found,) = stated(ledger, T0, a_finding(workflow="a\ud800b", detail={"x": "\udfff", "y": float("nan")}))
    assert stated(ledger, T0, a_finding(workflow="a\ud800b")) == ()
    assert listed(ledger)[0].workflow == "a\ufffdb"
    assert found.finding_id
