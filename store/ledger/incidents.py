"""Incidents: what a person acknowledges, assigns, notes and closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store.ledger.alert_tables import ALERTS, INCIDENT_NOTES, INCIDENTS
from store.ledger.database import Database

PINNED_AFTER_NS = 90 * 86_400 * 1_000_000_000
"""Runs of an incident stay this long after it was closed."""


@dataclass(frozen=True, slots=True)
class Incident:
    """The overlapping alerts of one workflow and environment. Times are Unix nanoseconds, 0 means not yet."""

    incident_id: str
    project: str
    workflow: str
    environment: str
    severity: str
    sentence: str
    began_ns: int
    """When it began, as far as the data says."""
    opened_ns: int
    """When it was found."""
    ended_ns: int
    """When its last alert ended."""
    closed_ns: int
    closed_by: str
    acknowledged_ns: int
    acknowledged_by: str
    assignee: str
    first_bad_run: str

    @property
    def is_firing(self) -> bool:
        """Whether one of its alerts still fires."""
        return not self.ended_ns

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it."""
        return not self.closed_ns

    @property
    def detection_ns(self) -> int:
        """Time to detection."""
        return max(0, self.opened_ns - self.began_ns)


@dataclass(frozen=True, slots=True)
class IncidentNote:
    """What somebody wrote; redacted before it came here."""

    time_ns: int
    made_by: str
    text: str


class Incidents:
    """The incidents of every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str, *, only_open: bool = False, limit: int = 200) -> tuple[Incident, ...]:
        """Incidents, newest first."""
        query = INCIDENTS.select().where(INCIDENTS.c.project == project)
        if only_open:
            query = query.where(INCIDENTS.c.closed_ns == 0)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(INCIDENTS.c.opened_ns.desc()).limit(limit))
            return tuple(_incident(row) for row in rows)

    def firing(self, project: str) -> int:
        """How many incidents are firing, for the navigation and the icon."""
        query = (
            sa.select(sa.func.count())
            .select_from(INCIDENTS)
            .where(INCIDENTS.c.project == project, INCIDENTS.c.ended_ns == 0, INCIDENTS.c.closed_ns == 0)
        )
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def get(self, project: str, incident_id: str) -> Incident | None:
        """One incident."""
        query = INCIDENTS.select().where(INCIDENTS.c.project == project, INCIDENTS.c.incident_id == incident_id)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return _incident(row) if row else None

    def acknowledge(self, incident: Incident, by: str) -> None:
        """Somebody looks after it: no reminders for its alerts until they end or grow louder."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(INCIDENTS)
                .where(INCIDENTS.c.incident_id == incident.incident_id, INCIDENTS.c.acknowledged_ns == 0)
                .values(acknowledged_ns=self._database.now_ns(), acknowledged_by=by)
            )
            connection.execute(
                sa.update(ALERTS)
                .where(ALERTS.c.incident_id == incident.incident_id, ALERTS.c.state == "firing")
                .values(acknowledged_by=by, version=ALERTS.c.version + 1)
            )

    def assign(self, incident: Incident, assignee: str) -> None:
        """Give it to somebody."""
        self._set(incident, assignee=assignee)

    def close(self, incident: Incident, by: str) -> None:
        """End the work on it. Alerts that still fire keep their state and stay acknowledged."""
        self._set(incident, closed_ns=self._database.now_ns(), closed_by=by)

    def reopen(self, incident: Incident) -> None:
        """It was not over."""
        self._set(incident, closed_ns=0, closed_by="")

    def found_first(self, incident: Incident, run_id: str, began_ns: int) -> None:
        """Remember the first bad run once somebody has worked it out."""
        self._set(incident, first_bad_run=run_id, began_ns=min(began_ns, incident.opened_ns))

    def _set(self, incident: Incident, **values: object) -> None:
        with self._database.writing() as connection:
            connection.execute(
                sa.update(INCIDENTS).where(INCIDENTS.c.incident_id == incident.incident_id).values(**values)
            )

    def note(self, incident: Incident, by: str, text: str) -> None:
        """Add a note; `text` is redacted."""
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(INCIDENT_NOTES).values(
                    incident_id=incident.incident_id, time_ns=self._database.now_ns(), made_by=by, text=text
                )
            )

    def notes(self, incident: Incident) -> tuple[IncidentNote, ...]:
        """Notes, oldest first."""
        query = INCIDENT_NOTES.select().where(INCIDENT_NOTES.c.incident_id == incident.incident_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(INCIDENT_NOTES.c.note_id))
            return tuple(IncidentNote(r.time_ns, r.made_by, r.text) for r in rows)


def _incident(row: sa.Row[tuple[object, ...]]) -> Incident:
    cells: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - the public name of a row's cells
    return Incident(**cells)
