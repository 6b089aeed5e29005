"""Pins: runs that outlive their retention, each with its reason and whoever set it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from spans.errors import NotFoundError
from spans.ids import RunId
from store.ledger.database import Database
from store.ledger.tables import PINS


class PinReason(StrEnum):
    """Why a run is kept. One run may be pinned for several reasons; it goes when the last is lifted."""

    INCIDENT = "incident"
    LEGAL_HOLD = "legal_hold"
    GOLDEN = "golden"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Pin:
    """One reason to keep one run. `note` is redacted text."""

    project: str
    run_id: RunId
    reason: PinReason
    note: str
    by: str
    created_ns: int


class Pins:
    """Every pin that holds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: str, run_id: RunId, reason: PinReason, *, by: str, note: str = "") -> None:
        """Pin a run; the same reason again changes its note."""
        values = {"note": note, "set_by": by, "created_ns": self._database.now_ns()}
        statement = self._database.upsert(PINS).values(project=project, run_id=run_id, reason=reason.value, **values)
        keys = [PINS.c.project, PINS.c.run_id, PINS.c.reason]
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    def lift(self, project: str, run_id: RunId, reason: PinReason) -> None:
        """Take one reason away.

        Raises:
            NotFoundError: the run is not pinned for it.
        """
        with self._database.writing() as connection:
            gone = connection.execute(
                sa.delete(PINS).where(PINS.c.project == project, PINS.c.run_id == run_id, PINS.c.reason == reason.value)
            )
        if not gone.rowcount:
            raise NotFoundError("This run is not pinned for that reason.")

    def list(self, project: str | None = None, run_id: RunId | None = None) -> tuple[Pin, ...]:
        """Pins of all projects, of one, or of one run, newest first."""
        query = PINS.select().order_by(PINS.c.created_ns.desc(), PINS.c.run_id)
        if project is not None:
            query = query.where(PINS.c.project == project)
        if run_id is not None:
            query = query.where(PINS.c.run_id == run_id)
        with self._database.reading() as connection:
            return tuple(_pin(row) for row in connection.execute(query))


def _pin(row: Any) -> Pin:
    return Pin(row.project, RunId(row.run_id), PinReason(row.reason), row.note, row.set_by, row.created_ns)
