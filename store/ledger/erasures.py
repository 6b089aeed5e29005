"""Erasures: what a person or run was erased for good; the tombstones that a restore replays, and their certificates."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
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
class Departure:
    """What had left this house before the erasure and may hold the person: an export, a backup, what was forwarded.

    `certain` when it surely held one of the erased runs; otherwise it covered their project and time. Times are Unix
    nanoseconds; 0 when not known. `rows` counts everything in it, whoever's; None when nobody counted.
    """

    what: str
    at_ns: int
    by: str
    detail: Mapping[str, str]
    rows: int | None
    certain: bool


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `target` is a pseudonym or a run id, never a value in clear; finished when the bytes are gone.

    Hidden when no answer holds anything of it; later when more of it turned up and was removed as well.
    `removed` counts rows per table and items per other place. It holds nothing of the person, so it may outlive the data:
    it is the certificate.
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
    left_before: tuple[Departure, ...] = ()
    hidden_ns: int | None = None


class Erasures:
    """Every erasure that was asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        project: str,
        subject: Subject,
        target: str,
        traces: Sequence[TraceId],
        *,
        by: str,
        left_before: Sequence[Departure] = (),
    ) -> Erasure:
        """Write the tombstone; durable before anything is removed, so that a crash continues instead of forgetting."""
        now_ns = self._database.now_ns()
        made = Erasure(new_id(), project, subject, target, tuple(traces), by, now_ns, None, {}, tuple(left_before))
        self.adopt(made)
        return made

    def adopt(self, erasure: Erasure) -> None:
        """Keep a tombstone of another ledger, unfinished: what it names is to be erased here as well. Repeating is harmless."""
        insert = self._database.upsert(ERASURES).values(
            erasure_id=erasure.erasure_id,
            project=erasure.project,
            subject=erasure.subject.value,
            target=erasure.target,
            traces=json.dumps(list(erasure.traces)),
            asked_by=erasure.by,
            requested_ns=erasure.requested_ns,
            removed="{}",
            left_before=json.dumps([asdict(one) for one in erasure.left_before]),
        )
        with self._database.writing() as connection:
            connection.execute(insert.on_conflict_do_nothing(index_elements=["erasure_id"]))

    def add(self, erasure_id: str, removed: Mapping[str, int], traces: Collection[TraceId] = ()) -> Erasure:
        """Note what was removed since, and traces that turned up since; with new traces it is unfinished again.

        Raises:
            NotFoundError: no such erasure.
        """
        with self._database.writing() as connection:
            row = connection.execute(_of(erasure_id).with_for_update()).one_or_none()
            if row is None:
                raise NotFoundError(f"No erasure has the id {erasure_id!r}.")
            before = _erasure(row)
            total = Counter(before.removed)
            total.update(removed)
            known = dict.fromkeys((*before.traces, *sorted(traces)))
            values: dict[str, object] = {"removed": json.dumps(total)}
            if len(known) > len(before.traces):
                values |= {"traces": json.dumps(list(known)), "finished_ns": None}
            change = sa.update(ERASURES).where(ERASURES.c.erasure_id == erasure_id).values(**values)
            return _erasure(connection.execute(change.returning(*ERASURES.c)).one())

    def hide(self, erasure_id: str) -> Erasure:
        """Note that no answer holds anything of it.

        Raises:
            NotFoundError: no such erasure.
        """
        return self._note_time(erasure_id, "hidden_ns")

    def finish(self, erasure_id: str) -> Erasure:
        """Note that the bytes are gone.

        Raises:
            NotFoundError: no such erasure.
        """
        return self._note_time(erasure_id, "finished_ns")

    def _note_time(self, erasure_id: str, column: str) -> Erasure:
        change = (
            sa.update(ERASURES)
            .where(ERASURES.c.erasure_id == erasure_id)
            .values({column: self._database.now_ns()})
            .returning(*ERASURES.c)
        )
        with self._database.writing() as connection:
            row = connection.execute(change).one_or_none()
        if row is None:
            raise NotFoundError(f"No erasure has the id {erasure_id!r}.")
        return _erasure(row)

    def find(self, erasure_id: str) -> Erasure:
        """One erasure.

        Raises:
            NotFoundError: no such erasure.
        """
        with self._database.reading() as connection:
            row = connection.execute(_of(erasure_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"No erasure has the id {erasure_id!r}.")
        return _erasure(row)

    def unfinished(self) -> tuple[str, ...]:
        """Ids of the erasures of all projects whose bytes are not gone yet, oldest first."""
        query = sa.select(ERASURES.c.erasure_id).where(ERASURES.c.finished_ns.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(ERASURES.c.requested_ns, ERASURES.c.erasure_id))
            return tuple(row.erasure_id for row in rows)

    def list(self, project: str | None = None) -> tuple[Erasure, ...]:
        """Erasures of all projects or of one, newest first."""
        query = ERASURES.select().order_by(ERASURES.c.requested_ns.desc(), ERASURES.c.erasure_id)
        if project is not None:
            query = query.where(ERASURES.c.project == project)
        with self._database.reading() as connection:
            return tuple(_erasure(row) for row in connection.execute(query))


def _of(erasure_id: str) -> sa.Select[Any]:
    return ERASURES.select().where(ERASURES.c.erasure_id == erasure_id)


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
        tuple(Departure(**one) for one in json.loads(row.left_before)),
        row.hidden_ns,
    )
