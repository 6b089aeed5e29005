"""What people wrote on runs: notes, and tags that a list can be filtered by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Table, Text

from spans.errors import NotFoundError, RefusedError
from spans.ids import RunId
from store.ledger.database import Database
from store.ledger.secrets import new_id
from store.ledger.tables import METADATA

REMARKS = Table(
    "run_remarks",
    METADATA,
    Column("remark_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("run_remarks_run", "project", "run_id"),
)

MOST_PER_RUN = 200
MAX_NOTE = 2_000
MAX_TAG = 60
_IDS_PER_QUERY = 500


class RemarkKind(StrEnum):
    """A note is read; a tag is also searched by."""

    NOTE = "note"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Remark:
    """One note or tag, its text already redacted."""

    remark_id: str
    project: str
    run_id: RunId
    kind: RemarkKind
    text: str
    author: str
    created_ns: int


class Remarks:
    """Every note and tag."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: str, run_id: RunId, kind: RemarkKind, text: str, *, author: str) -> Remark:
        """Keep a note or tag; a tag that the run has is not added twice.

        Raises:
            RefusedError: nothing was written, it is too long, or the run has too many.
        """
        is_tag = kind is RemarkKind.TAG
        kept = " ".join(text.split()) if is_tag else text.strip()
        most = MAX_TAG if is_tag else MAX_NOTE
        if not kept or len(kept) > most:
            raise RefusedError(f"A {kind.value} has 1 to {most} characters.")
        made = Remark(new_id(), project, run_id, kind, kept, author, self._database.now_ns())
        own = (REMARKS.c.project == project, REMARKS.c.run_id == run_id)
        with self._database.writing() as connection:
            known = [_remark(row) for row in connection.execute(REMARKS.select().where(*own))]
            same = next((r for r in known if is_tag and r.kind is kind and r.text == kept), None)
            if same:
                return same
            if len(known) >= MOST_PER_RUN:
                raise RefusedError(f"This run has {MOST_PER_RUN} notes and tags; remove one first.")
            values = {field: getattr(made, field) for field in REMARKS.c.keys()}  # noqa: SIM118 - a column collection, not a dict
            connection.execute(sa.insert(REMARKS).values(**values))
        return made

    def of_run(self, project: str, run_id: str) -> tuple[Remark, ...]:
        """Everything written on a run, oldest first."""
        query = (
            REMARKS.select()
            .where(REMARKS.c.project == project, REMARKS.c.run_id == run_id)
            .order_by(REMARKS.c.created_ns, REMARKS.c.remark_id)
        )
        with self._database.reading() as connection:
            return tuple(_remark(row) for row in connection.execute(query))

    def tags(self, project: str, run_ids: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """Tags of each run that has some, oldest first."""
        found: dict[str, tuple[str, ...]] = {}
        ids = sorted(set(run_ids))
        with self._database.reading() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                query = (
                    REMARKS.select()
                    .where(
                        REMARKS.c.project == project,
                        REMARKS.c.kind == RemarkKind.TAG.value,
                        REMARKS.c.run_id.in_(ids[start : start + _IDS_PER_QUERY]),
                    )
                    .order_by(REMARKS.c.created_ns, REMARKS.c.remark_id)
                )
                for row in connection.execute(query):
                    found[row.run_id] = (*found.get(row.run_id, ()), row.text)
        return found

    def remove(self, project: str, run_id: str, remark_id: str) -> Remark:
        """Take a note or tag away.

        Raises:
            NotFoundError: the run has none of that id.
        """
        own = (REMARKS.c.project == project, REMARKS.c.run_id == run_id, REMARKS.c.remark_id == remark_id)
        with self._database.writing() as connection:
            row = connection.execute(sa.delete(REMARKS).where(*own).returning(*REMARKS.c)).one_or_none()
        if row is None:
            raise NotFoundError("That note or tag is gone already.")
        return _remark(row)


def _remark(row: Any) -> Remark:
    return Remark(
        row.remark_id, row.project, RunId(row.run_id), RemarkKind(row.kind), row.text, row.author, row.created_ns
    )
