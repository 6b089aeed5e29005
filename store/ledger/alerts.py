"""Alerts, their state changes, the incidents they open and the messages they send: one transaction per look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.ledger.alert_tables import ALERTS, FLIPS, INCIDENTS, OUTBOX
from store.ledger.database import Database
from store.ledger.secrets import new_id

REOPEN_NS = 3_600_000_000_000
"""An alert that fires within an hour of an incident's end belongs to it."""
FIRING = "firing"


@dataclass(frozen=True, slots=True)
class AlertReading:
    """What the rule saw when the alert last moved."""

    sentence: str = ""
    value: float | None = None
    limit: float | None = None
    run_ids: tuple[str, ...] = ()
    finding_id: str = ""
    began_ns: int = 0

    def to_text(self) -> str:
        """As a cell keeps it."""
        return json.dumps(
            {
                "sentence": self.sentence,
                "value": self.value,
                "limit": self.limit,
                "run_ids": list(self.run_ids),
                "finding_id": self.finding_id,
                "began_ns": self.began_ns,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> AlertReading:
        """What `to_text` kept."""
        said = json.loads(text)
        return cls(
            said["sentence"], said["value"], said["limit"], tuple(said["run_ids"]), said["finding_id"], said["began_ns"]
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands. Times are Unix nanoseconds, 0 means never; `version` grows with every change."""

    fingerprint: str
    project: str
    rule_id: str
    workflow: str
    environment: str
    group: str
    state: str
    severity: str
    since_ns: int
    bad_looks: int
    good_looks: int
    notified_ns: int
    acknowledged_by: str
    reading: AlertReading
    incident_id: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Flip:
    """One state change, or one more message about the same state; the source of every later question about timing."""

    flip_id: int
    fingerprint: str
    rule_id: str
    workflow: str
    environment: str
    group: str
    before: str
    after: str
    notice: str
    severity: str
    time_ns: int
    reading: AlertReading
    incident_id: str
    silenced: str


@dataclass(frozen=True, slots=True)
class AlertMove:
    """One alert's next state, what it was seen at, and whom to tell."""

    alert: Alert
    seen_version: int
    before: str
    notice: str = ""
    """Empty: nothing to tell and, when the state stays, nothing to note."""
    channels: tuple[str, ...] = ()
    silenced: str = ""
    """Why nothing is sent although there is something to tell."""


class Alerts:
    """The state of every alert. Two evaluators at once are safe: a move counts only against the version it saw."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, project: str, rule_id: str | None = None, *, state: str | None = None) -> tuple[Alert, ...]:
        """Alerts of a project, of one rule or all."""
        query = ALERTS.select().where(ALERTS.c.project == project).order_by(ALERTS.c.since_ns.desc())
        if rule_id is not None:
            query = query.where(ALERTS.c.rule_id == rule_id)
        if state is not None:
            query = query.where(ALERTS.c.state == state)
        with self._database.reading() as connection:
            return tuple(_alert(row) for row in connection.execute(query))

    def commit(self, moves: Sequence[AlertMove], now_ns: int) -> int:
        """Keep moves with their flips, incidents and messages, all or nothing; returns how many counted.

        A move that saw an older version than the ledger holds is dropped: somebody else made it.
        """
        if not moves:
            return 0
        with self._database.writing() as connection:
            return sum(self._commit(connection, move, now_ns) for move in moves)

    def _commit(self, connection: Connection, move: AlertMove, now_ns: int) -> bool:
        alert = move.alert
        if not self._claim(connection, alert, move.seen_version):
            return False
        incident = alert.incident_id
        if alert.state == FIRING and move.before != FIRING:
            incident = _open_incident(connection, alert, now_ns)
            connection.execute(
                sa.update(ALERTS).where(ALERTS.c.fingerprint == alert.fingerprint).values(incident_id=incident)
            )
        elif alert.state == FIRING and move.notice == "escalated":
            connection.execute(
                sa.update(INCIDENTS).where(INCIDENTS.c.incident_id == incident).values(severity=alert.severity)
            )
        if move.before != alert.state or move.notice:
            _note(connection, move, incident, now_ns)
        if move.before == FIRING and alert.state != FIRING and incident:
            _maybe_end(connection, incident, now_ns)
        return True

    def _claim(self, connection: Connection, alert: Alert, seen_version: int) -> bool:
        row = _row(alert) | {"version": seen_version + 1}
        if seen_version == 0:
            done = connection.execute(self._database.upsert(ALERTS).values(row).on_conflict_do_nothing())
        else:
            done = connection.execute(
                sa.update(ALERTS)
                .where(ALERTS.c.fingerprint == alert.fingerprint, ALERTS.c.version == seen_version)
                .values(row)
            )
        return done.rowcount == 1

    def acknowledge(self, fingerprints: Sequence[str], by: str) -> None:
        """No more reminders for these until they end or grow louder; also against an evaluator at work."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(ALERTS)
                .where(ALERTS.c.fingerprint.in_(list(fingerprints)), ALERTS.c.state == FIRING)
                .values(acknowledged_by=by, version=ALERTS.c.version + 1)
            )

    def flips(
        self,
        project: str,
        *,
        since_ns: int = 0,
        until_ns: int | None = None,
        incident_id: str | None = None,
        limit: int = 1_000,
    ) -> tuple[Flip, ...]:
        """State changes, newest first."""
        query = FLIPS.select().where(FLIPS.c.project == project, FLIPS.c.time_ns >= since_ns)
        if until_ns is not None:
            query = query.where(FLIPS.c.time_ns < until_ns)
        if incident_id is not None:
            query = query.where(FLIPS.c.incident_id == incident_id)
        query = query.order_by(FLIPS.c.time_ns.desc(), FLIPS.c.flip_id.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(_flip(row) for row in connection.execute(query))


def _open_incident(connection: Connection, alert: Alert, now_ns: int) -> str:
    """The incident an alert belongs to: the open one of its workflow and environment, else a new one."""
    newest = connection.execute(
        INCIDENTS.select()
        .where(
            INCIDENTS.c.project == alert.project,
            INCIDENTS.c.workflow == alert.workflow,
            INCIDENTS.c.environment == alert.environment,
            INCIDENTS.c.closed_ns == 0,
        )
        .order_by(INCIDENTS.c.opened_ns.desc())
        .limit(1)
    ).first()
    reading = alert.reading
    began = reading.began_ns or now_ns
    if newest is not None and (newest.ended_ns == 0 or now_ns - newest.ended_ns < REOPEN_NS):
        louder = "page" if "page" in {newest.severity, alert.severity} else newest.severity
        changes: dict[str, object] = {"ended_ns": 0, "severity": louder, "began_ns": min(newest.began_ns, began)}
        if not newest.first_bad_run and reading.run_ids:
            changes["first_bad_run"] = reading.run_ids[0]
        connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.incident_id == newest.incident_id).values(**changes))
        return str(newest.incident_id)
    incident_id = new_id()
    connection.execute(
        sa.insert(INCIDENTS).values(
            incident_id=incident_id,
            project=alert.project,
            workflow=alert.workflow,
            environment=alert.environment,
            severity=alert.severity,
            sentence=reading.sentence,
            began_ns=began,
            opened_ns=now_ns,
            ended_ns=0,
            closed_ns=0,
            closed_by="",
            acknowledged_ns=0,
            acknowledged_by="",
            assignee="",
            first_bad_run=reading.run_ids[0] if reading.run_ids else "",
        )
    )
    return incident_id


def _maybe_end(connection: Connection, incident_id: str, now_ns: int) -> None:
    still = connection.execute(
        sa.select(sa.func.count())
        .select_from(ALERTS)
        .where(ALERTS.c.incident_id == incident_id, ALERTS.c.state == FIRING)
    ).scalar_one()
    if not still:
        connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.incident_id == incident_id).values(ended_ns=now_ns))


def _note(connection: Connection, move: AlertMove, incident_id: str, now_ns: int) -> None:
    alert = move.alert
    common = {
        "fingerprint": alert.fingerprint,
        "project": alert.project,
        "rule_id": alert.rule_id,
        "workflow": alert.workflow,
        "environment": alert.environment,
        "notice": move.notice,
        "severity": alert.severity,
        "time_ns": now_ns,
        "incident_id": incident_id,
    }
    connection.execute(
        sa.insert(FLIPS).values(
            **common,
            group_key=alert.group,
            before=move.before,
            after=alert.state,
            reading=alert.reading.to_text(),
            silenced=move.silenced,
        )
    )
    if not move.notice or move.silenced:
        return
    for channel in move.channels:
        connection.execute(
            sa.insert(OUTBOX).values(
                **common,
                channel=channel,
                sentence=alert.reading.sentence,
                due_ns=now_ns,
                state="waiting",
                attempts=0,
                claim="",
                claimed_until_ns=0,
                sent_ns=0,
                error="",
            )
        )


def _row(alert: Alert) -> dict[str, object]:
    return {
        "fingerprint": alert.fingerprint,
        "project": alert.project,
        "rule_id": alert.rule_id,
        "workflow": alert.workflow,
        "environment": alert.environment,
        "group_key": alert.group,
        "state": alert.state,
        "severity": alert.severity,
        "since_ns": alert.since_ns,
        "bad_looks": alert.bad_looks,
        "good_looks": alert.good_looks,
        "notified_ns": alert.notified_ns,
        "acknowledged_by": alert.acknowledged_by,
        "reading": alert.reading.to_text(),
        "incident_id": alert.incident_id,
    }


def _alert(row: sa.Row[tuple[object, ...]]) -> Alert:
    cells: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - the public name of a row's cells
    plain = {k: v for k, v in cells.items() if k not in {"group_key", "reading"}}
    return Alert(**plain, group=str(cells["group_key"]), reading=AlertReading.from_text(str(cells["reading"])))


def _flip(row: sa.Row[tuple[object, ...]]) -> Flip:
    cells: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - the public name of a row's cells
    plain = {k: v for k, v in cells.items() if k not in {"group_key", "reading", "project"}}
    return Flip(**plain, group=str(cells["group_key"]), reading=AlertReading.from_text(str(cells["reading"])))
