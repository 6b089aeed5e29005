"""Erasures: what a person or run was erased for good; the tombstones that a restore replays, and their certificates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from spans.errors import NotFoundError
from spans.ids import TraceId
from store.ledger.database import Database
from store.ledger.secrets import new_id
from store.ledger.tables import ERASURES


class Subject(StrEnum):
    """What an erasure is about."""

    PERSON = "person"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `target` is a pseudonym or a run id, never a value in clear; finished when the bytes are gone.

    `removed` counts rows per table. It holds nothing of the person, so it may outlive the data: it is the certificate.
    """

    erasure_id: str
    project: str
    subject: Subject
    target: str
    traces: tuple[TraceId, ...]
    by: str
    requested_ns: int
    finished_ns: int | None
    removed: Mapping[str, int]


class Erasures:
    """Every erasure that was asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, project: str, subject: Subject, target: str, traces: Sequence[TraceId], *, by: str) -> Erasure:
        """Write the tombstone; durable before anything is removed, so that a crash continues instead of forgetting."""
        made = Erasure(new_id(), project, subject, target, tuple(traces), by, self._database.now_ns(), None, {})
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(ERASURES).values(
                    erasure_id=made.erasure_id,
                    project=project,
                    subject=subject.value,
                    target=target,
                    traces=json.dumps(list(traces)),
                    asked_by=by,
                    requested_ns=made.requested_ns,
                    removed="{}",
                ),
            )
        return made

    def finish(self, erasure_id: str, removed: Mapping[str, int]) -> Erasure:
        """Note that the bytes are gone.

        Raises:
            NotFoundError: no such erasure.
        """
        change = (
            sa.update(ERASURES)
            .where(ERASURES.c.erasure_id == erasure_id)
            .values(finished_ns=self._database.now_ns(), removed=json.dumps(dict(removed)))
            .returning(*ERASURES.c)
        )
        with self._database.writing() as connection:
            row = connection.execute(change).one_or_none()
        if row is None:
            raise NotFoundError(f"No erasure has the id {erasure_id!r}.")
        return _erasure(row)

    def list(self, project: str | None = None) -> tuple[Erasure, ...]:
        """Erasures of all projects or of one, newest first."""
        query = ERASURES.select().order_by(ERASURES.c.requested_ns.desc(), ERASURES.c.erasure_id)
        if project is not None:
            query = query.where(ERASURES.c.project == project)
        with self._database.reading() as connection:
            return tuple(_erasure(row) for row in connection.execute(query))


def _erasure(row: Any) -> Erasure:
    return Erasure(
        row.erasure_id,
        row.project,
        Subject(row.subject),
        row.target,
        tuple(TraceId(trace) for trace in json.loads(row.traces)),
        row.asked_by,
        row.requested_ns,
        row.finished_ns,
        json.loads(row.removed),
    )
