"""Receipts: what retention or erasure removed, when, and how much."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from store.ledger.database import Database
from store.ledger.tables import RECEIPTS


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of one removal: `removed` counts rows per table."""

    receipt_id: int
    time_ns: int
    kind: str
    day: date
    removed: Mapping[str, int]


class Receipts:
    """Receipts of everything that was removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, kind: str, day: date, removed: Mapping[str, int]) -> None:
        """Keep a receipt; durable when it returns."""
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(RECEIPTS).values(
                    time_ns=self._database.now_ns(),
                    kind=kind,
                    day=day.isoformat(),
                    removed=json.dumps(dict(removed)),
                ),
            )

    def list(self, kind: str | None = None, limit: int = 1_000) -> tuple[Receipt, ...]:
        """Receipts, newest first, of one kind or of all."""
        query = RECEIPTS.select().order_by(RECEIPTS.c.receipt_id.desc()).limit(limit)
        if kind is not None:
            query = query.where(RECEIPTS.c.kind == kind)
        with self._database.reading() as connection:
            return tuple(
                Receipt(row.receipt_id, row.time_ns, row.kind, date.fromisoformat(row.day), json.loads(row.removed))
                for row in connection.execute(query)
            )
