"""Findings of the detectors: one row per episode, brought up to date by fingerprint, with a history of what happened."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Connection, Row

from spans.errors import NotFoundError
from spans.finding import (
    FeatureChange,
    Finding,
    FindingEvent,
    FindingEventKind,
    FindingKind,
    FindingState,
    Impact,
    Severity,
    finding_id,
)
from spans.ids import RunId
from spans.values import Value
from store.ledger.database import Database
from store.ledger.tables import FINDING_EVENTS, FINDINGS
from store.text import clean_text, to_json

MOST_EXAMPLES = 20
REOPENED = "reopened_ns"
"""In a finding's detail: when it came back after it was closed, Unix nanoseconds; absent when it never did."""
_LIVE = (FindingState.OPEN, FindingState.EXPECTED, FindingState.SILENCED)


@dataclass(frozen=True, slots=True)
class FindingQuery:
    """Which findings; None or empty means any. Times are of detection, `until_ns` is exclusive."""

    project: str
    kinds: tuple[str, ...] = ()
    workflow: str | None = None
    environment: str | None = None
    states: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    limit: int = 1_000


class Findings:
    """Findings and their history. Every change is one transaction, so a crash leaves nothing half told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, found: Iterable[Finding], at_ns: int, again_ns: int) -> tuple[Finding, ...]:
        """Keep what an evaluation at `at_ns` stated; durable when it returns, and repeating it changes nothing.

        A statement about something already known (same fingerprint, last seen no more than `again_ns` away) brings
        that finding up to date and reopens it when it was closed; anything else is a new finding. What is older than
        the last statement changes nothing, so history may be evaluated again beside a running server.

        Returns:
            The findings that were opened, reopened or changed their severity, as stored.
        """
        told: list[Finding] = []
        with self._database.writing() as connection:
            for finding in found:
                changed = self._record_one(connection, finding, at_ns, again_ns)
                if changed is not None:
                    told.append(changed)
        return tuple(told)

    def close_unseen(
        self, project: str, kinds: Collection[FindingKind], at_ns: int, quiet_ns: int
    ) -> tuple[Finding, ...]:
        """Close findings of these kinds that no evaluation up to `at_ns` has seen for `quiet_ns`; returns them."""
        query = FINDINGS.select().where(
            FINDINGS.c.project == clean_text(project),
            FINDINGS.c.kind.in_([kind.value for kind in kinds]),
            FINDINGS.c.state.in_([state.value for state in _LIVE]),
            FINDINGS.c.last_seen_ns <= at_ns - quiet_ns,
        )
        with self._database.reading() as connection:  # a look first: usually there is nothing, and a look takes no lock
            if connection.execute(query.limit(1)).first() is None:
                return ()
        with self._database.writing() as connection:
            rows = connection.execute(query).all()
            for row in rows:
                change = {"state": FindingState.CLOSED.value, "closed_ns": at_ns}
                connection.execute(FINDINGS.update().where(FINDINGS.c.finding_id == row.finding_id).values(**change))
                _note(connection, row.finding_id, FindingEvent(at_ns, FindingEventKind.CLOSED))
        return tuple(replace(_finding(row), state=FindingState.CLOSED, closed_ns=at_ns) for row in rows)

    def expect(self, project: str, found_id: str, by: str, note: str = "") -> Finding:
        """A person says that this is how it should be.

        Raises:
            NotFoundError: the project has no such finding.
        """
        return self._decide(project, found_id, FindingState.EXPECTED, FindingEventKind.EXPECTED, None, by, note)

    def silence(self, project: str, found_id: str, until_ns: int, by: str, note: str = "") -> Finding:
        """A person wants to hear nothing of it until then.

        Raises:
            NotFoundError: the project has no such finding.
        """
        return self._decide(project, found_id, FindingState.SILENCED, FindingEventKind.SILENCED, until_ns, by, note)

    def get(self, project: str, found_id: str) -> Finding | None:
        """One finding with its history; None when the project has none of this id."""
        mine = (FINDINGS.c.project == clean_text(project), FINDINGS.c.finding_id == found_id)
        events = (
            FINDING_EVENTS.select()
            .where(FINDING_EVENTS.c.finding_id == found_id)
            .order_by(FINDING_EVENTS.c.at_ns, FINDING_EVENTS.c.event_id)
        )
        with self._database.reading() as connection:
            row = connection.execute(FINDINGS.select().where(*mine)).one_or_none()
            history = connection.execute(events).all() if row is not None else []
        if row is None:
            return None
        told = tuple(FindingEvent(e.at_ns, FindingEventKind(e.kind), e.by, e.note) for e in history)
        return replace(_finding(row), history=told)

    def list(self, query: FindingQuery) -> tuple[Finding, ...]:
        """Findings that match, the latest detected first, without history."""
        where = [FINDINGS.c.project == clean_text(query.project)]
        if query.kinds:
            where.append(FINDINGS.c.kind.in_(query.kinds))
        if query.states:
            where.append(FINDINGS.c.state.in_(query.states))
        if query.workflow is not None:
            where.append(FINDINGS.c.workflow == clean_text(query.workflow))
        if query.environment is not None:
            where.append(FINDINGS.c.environment == clean_text(query.environment))
        if query.since_ns is not None:
            where.append(FINDINGS.c.detected_ns >= query.since_ns)
        if query.until_ns is not None:
            where.append(FINDINGS.c.detected_ns < query.until_ns)
        newest = FINDINGS.select().where(*where).order_by(FINDINGS.c.detected_ns.desc(), FINDINGS.c.finding_id)
        with self._database.reading() as connection:
            return tuple(_finding(row) for row in connection.execute(newest.limit(query.limit)))

    def _record_one(self, connection: Connection, finding: Finding, at_ns: int, again_ns: int) -> Finding | None:
        known = self._known(connection, finding.fingerprint, at_ns, again_ns)
        if known is None:
            fresh = replace(
                finding,
                detected_ns=at_ns,
                last_seen_ns=at_ns,
                state=FindingState.OPEN,
                finding_id=finding_id(finding.fingerprint, at_ns),
            )
            connection.execute(FINDINGS.insert().values(**_row(fresh)))
            _note(connection, fresh.finding_id, FindingEvent(at_ns, FindingEventKind.OPENED, note=fresh.summary))
            return fresh
        if at_ns <= known.last_seen_ns:
            return None
        updated, event = _brought_up_to_date(known, finding, at_ns)
        values = _row(updated)
        connection.execute(FINDINGS.update().where(FINDINGS.c.finding_id == known.finding_id).values(**values))
        if event is not None:
            _note(connection, known.finding_id, event)
        is_news = updated.state is FindingState.OPEN and (
            known.state is not FindingState.OPEN or known.severity is not updated.severity
        )
        return updated if is_news else None

    def _known(self, connection: Connection, fingerprint: str, at_ns: int, again_ns: int) -> Finding | None:
        """The episode that a statement at this moment belongs to: the nearest one within reach."""
        same = FINDINGS.select().where(
            FINDINGS.c.fingerprint == fingerprint,
            FINDINGS.c.detected_ns <= at_ns + again_ns,
            FINDINGS.c.last_seen_ns >= at_ns - again_ns,
        )
        row = connection.execute(same.order_by(FINDINGS.c.last_seen_ns.desc()).limit(1)).first()
        return _finding(row) if row is not None else None

    def _decide(
        self,
        project: str,
        found_id: str,
        state: FindingState,
        event: FindingEventKind,
        until_ns: int | None,
        by: str,
        note: str,
    ) -> Finding:
        mine = (FINDINGS.c.project == clean_text(project), FINDINGS.c.finding_id == found_id)
        with self._database.writing() as connection:
            change = {"state": state.value, "silenced_until_ns": until_ns}
            if not connection.execute(FINDINGS.update().where(*mine).values(**change)).rowcount:
                raise NotFoundError(f"There is no finding {found_id[:40]!r} in project {project!r}.")
            _note(connection, found_id, FindingEvent(self._database.now_ns(), event, by, note))
        found = self.get(project, found_id)
        if found is None:
            raise NotFoundError(f"There is no finding {found_id[:40]!r} in project {project!r}.")
        return found


def _brought_up_to_date(known: Finding, stated: Finding, at_ns: int) -> tuple[Finding, FindingEvent | None]:
    """The finding after one more statement, and what that adds to its history.

    The surest statement stays: once a change has moved into its own reference, later looks only see less of it.
    """
    state, until = known.state, known.silenced_until_ns
    event = None
    if state is FindingState.CLOSED:
        state, event = FindingState.OPEN, FindingEvent(at_ns, FindingEventKind.REOPENED, note=stated.summary)
    elif state is FindingState.SILENCED and until is not None and until <= at_ns:
        state, until = FindingState.OPEN, None
        event = FindingEvent(at_ns, FindingEventKind.REOPENED, note="the silence ended")
    told = stated if _certainty(stated) >= _certainty(known) else known
    if event is None and (known.severity, known.summary) != (told.severity, told.summary):
        event = FindingEvent(at_ns, FindingEventKind.UPDATED, note=told.summary)
    again_ns = at_ns if event is not None and event.kind is FindingEventKind.REOPENED else known.detail.get(REOPENED)
    updated = replace(
        told,
        detail={**told.detail, REOPENED: again_ns} if again_ns else told.detail,
        impact=stated.impact,
        detected_ns=known.detected_ns,
        since_ns=known.since_ns,
        last_seen_ns=at_ns,
        state=state,
        closed_ns=None if state is not FindingState.CLOSED else known.closed_ns,
        silenced_until_ns=until,
        finding_id=known.finding_id,
    )
    return updated, event


def _certainty(finding: Finding) -> float:
    return max((abs(feature.z) for feature in finding.features), default=0.0)


def _note(connection: Connection, found_id: str, event: FindingEvent) -> None:
    connection.execute(
        FINDING_EVENTS.insert().values(
            finding_id=found_id,
            at_ns=event.at_ns,
            kind=event.kind.value,
            by=clean_text(event.by),
            note=clean_text(event.note),
        )
    )


def _row(finding: Finding) -> dict[str, Any]:
    data: dict[str, Value] = {
        "features": [[f.name, f.before, f.after, f.z, f.unit] for f in finding.features],
        "impact": {
            "runs": finding.impact.runs,
            "users": finding.impact.users,
            "tools": list(finding.impact.tools),
            "writes": finding.impact.writes,
            "usd": None if finding.impact.usd is None else str(finding.impact.usd),
        },
        "run_ids": list(finding.run_ids[:MOST_EXAMPLES]),
        "detail": finding.detail,
    }
    return {
        "finding_id": finding.finding_id,
        "fingerprint": finding.fingerprint,
        "kind": finding.kind.value,
        "project": clean_text(finding.project),
        "environment": clean_text(finding.environment),
        "workflow": clean_text(finding.workflow),
        "subject": clean_text(finding.subject),
        "severity": finding.severity.value,
        "state": finding.state.value,
        "detected_ns": finding.detected_ns,
        "since_ns": finding.since_ns,
        "last_seen_ns": finding.last_seen_ns,
        "closed_ns": finding.closed_ns,
        "silenced_until_ns": finding.silenced_until_ns,
        "summary": clean_text(finding.summary),
        "data": to_json(data),
    }


def _finding(row: Row[Any]) -> Finding:
    data = json.loads(row.data)
    impact = data["impact"]
    return Finding(
        kind=FindingKind(row.kind),
        project=row.project,
        environment=row.environment,
        workflow=row.workflow,
        subject=row.subject,
        severity=Severity(row.severity),
        detected_ns=row.detected_ns,
        since_ns=row.since_ns,
        summary=row.summary,
        features=_features(data["features"]),
        impact=Impact(
            runs=impact["runs"],
            users=impact["users"],
            tools=tuple(impact["tools"]),
            writes=impact["writes"],
            usd=None if impact["usd"] is None else Decimal(impact["usd"]),
        ),
        run_ids=tuple(RunId(run_id) for run_id in data["run_ids"]),
        detail=data["detail"],
        state=FindingState(row.state),
        last_seen_ns=row.last_seen_ns,
        closed_ns=row.closed_ns,
        silenced_until_ns=row.silenced_until_ns,
        finding_id=row.finding_id,
    )


def _features(rows: Sequence[Sequence[Any]]) -> tuple[FeatureChange, ...]:
    return tuple(FeatureChange(name, before, after, z, unit) for name, before, after, z, unit in rows)
