"""Seals of runs: kept apart from the evidence they prove, and as long as the run's metadata."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa

from spans.ids import RunId
from spans.seal import Leaf, LeafKind, Seal
from store.ledger.database import Database
from store.ledger.tables import SEALS

_LEAF = struct.Struct(">BBI32s32s")
_KINDS = (LeafKind.SPAN, LeafKind.LOG)


class Seals:
    """Every chapter of every run's proof. A chapter is written once and never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, seal: Seal) -> bool:
        """Keep a chapter; False, and nothing changed, when that chapter stands already."""
        statement = self._database.upsert(SEALS).values(
            project=seal.project,
            run_id=seal.run_id,
            chapter=seal.chapter,
            sealed_ns=seal.sealed_ns,
            evidence_ns=seal.evidence_ns,
            day=seal.day.isoformat(),
            header=json.dumps(dict(seal.header), sort_keys=True),
            leaves=_packed(seal.leaves),
            root=seal.root,
        )
        with self._database.writing() as connection:
            done = connection.execute(statement.on_conflict_do_nothing())
            return bool(done.rowcount)

    def of_run(self, project: str, run_id: RunId) -> tuple[Seal, ...]:
        """The chapters of a run in order; none when it is not sealed."""
        query = SEALS.select().where(SEALS.c.project == project, SEALS.c.run_id == run_id).order_by(SEALS.c.chapter)
        with self._database.reading() as connection:
            return tuple(_seal(row) for row in connection.execute(query))

    def projects_of(self, run_id: RunId) -> tuple[str, ...]:
        """The projects in which a run of this id was sealed, whether or not anything of it is stored still."""
        query = sa.select(SEALS.c.project).where(SEALS.c.run_id == run_id).distinct().order_by(SEALS.c.project)
        with self._database.reading() as connection:
            return tuple(row.project for row in connection.execute(query))

    def sealed_until(self, project: str, run_ids: Iterable[RunId]) -> dict[RunId, int]:
        """When the newest evidence of each sealed run had been received, for those of these runs that are sealed."""
        wanted = list(run_ids)
        found: dict[RunId, int] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), 500):
                query = (
                    sa.select(SEALS.c.run_id, sa.func.max(SEALS.c.evidence_ns).label("until"))
                    .where(SEALS.c.project == project, SEALS.c.run_id.in_(wanted[start : start + 500]))
                    .group_by(SEALS.c.run_id)
                )
                found.update((RunId(row.run_id), int(row.until)) for row in connection.execute(query))
        return found

    def count(self) -> int:
        """How many chapters there are."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(SEALS)).scalar_one())

    def drop_before(self, day: date) -> int:
        """Remove the seals of runs whose metadata has expired; returns how many."""
        with self._database.writing() as connection:
            return connection.execute(sa.delete(SEALS).where(SEALS.c.day < day.isoformat())).rowcount


def _packed(leaves: Iterable[Leaf]) -> bytes:
    """Leaves as bytes: about 80 each, where JSON would take 200."""
    return b"".join(
        _LEAF.pack(
            _KINDS.index(leaf.kind),
            len(leaf.item_id.encode()),
            leaf.day.toordinal(),
            bytes.fromhex(leaf.frame),
            bytes.fromhex(leaf.content),
        )
        + leaf.item_id.encode()
        for leaf in leaves
    )


def _unpacked(raw: bytes) -> Iterator[Leaf]:
    at = 0
    while at < len(raw):
        kind, length, day, frame, content = _LEAF.unpack_from(raw, at)
        at += _LEAF.size
        item_id = raw[at : at + length].decode()
        at += length
        yield Leaf(_KINDS[kind], item_id, date.fromordinal(day), frame.hex(), content.hex())


def _seal(row: Any) -> Seal:
    return Seal(
        project=row.project,
        run_id=RunId(row.run_id),
        chapter=row.chapter,
        sealed_ns=row.sealed_ns,
        evidence_ns=row.evidence_ns,
        day=date.fromisoformat(row.day),
        header=json.loads(row.header),
        leaves=tuple(_unpacked(row.leaves)),
        root=row.root,
    )
