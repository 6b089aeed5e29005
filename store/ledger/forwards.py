"""What waits to be forwarded to another backend: a journal of stored records, and the offset up to which they arrived."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text
from sqlalchemy.engine import Connection

from spans.ids import TraceId
from store.ledger.database import Database
from store.ledger.tables import METADATA

JOURNAL = Table(
    "forward_journal",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", Text, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("project", Text, nullable=False),
    Column("traces", Text, nullable=False),
    Column("item_count", BigInteger, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Index("forward_journal_slot", "segment", "slot", unique=True),
)
STATE = Table(
    "forward_state",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("sent_ns", BigInteger, nullable=False),
    Column("trouble", Text, nullable=False),
)
_ONE = "destination"
_NEW = {"position": 0, "sent": 0, "refused": 0, "failures": 0, "sent_ns": 0, "trouble": ""}


@dataclass(frozen=True, slots=True)
class ForwardRecord:
    """A record of the spool whose spans are stored and not forwarded yet."""

    segment: str
    slot: int
    project: str
    traces: tuple[TraceId, ...]
    items: int
    received_ns: int
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ForwardState:
    """How far forwarding has come: `position` is the offset, everything up to it has arrived or was refused there."""

    position: int
    sent: int
    refused: int
    failures: int
    sent_ns: int
    trouble: str
    waiting: int
    """Spans behind the offset."""
    oldest_ns: int
    """When the oldest of them was received; 0 when nothing waits."""


class Forwards:
    """The journal of one destination. A record is appended before its slot is settled, so none can be missed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, records: Sequence[ForwardRecord]) -> None:
        """Add records; durable when it returns, and repeating it adds nothing."""
        if not records:
            return
        with self._database.writing() as connection:
            last = max(_position(connection), connection.execute(sa.select(sa.func.max(JOURNAL.c.seq))).scalar() or 0)
            for number, record in enumerate(records, last + 1):
                insert = self._database.upsert(JOURNAL).values(
                    seq=number,
                    segment=record.segment,
                    slot=record.slot,
                    project=record.project,
                    traces=json.dumps(record.traces),
                    item_count=record.items,
                    received_ns=record.received_ns,
                )
                connection.execute(insert.on_conflict_do_nothing(index_elements=["segment", "slot"]))

    def next(self, limit: int) -> tuple[ForwardRecord, ...]:
        """The first records behind the offset."""
        with self._database.reading() as connection:
            rows = connection.execute(JOURNAL.select().order_by(JOURNAL.c.seq).limit(limit))
            return tuple(
                ForwardRecord(
                    row.segment,
                    row.slot,
                    row.project,
                    tuple(TraceId(t) for t in json.loads(row.traces)),
                    row.item_count,
                    row.received_ns,
                    row.seq,
                )
                for row in rows
            )

    def advance(self, position: int, sent: int, refused: int) -> None:
        """Everything up to `position` is done; repeating it changes nothing."""
        with self._database.writing() as connection:
            if position <= _position(connection):
                return
            self._change(
                connection,
                position=position,
                sent=STATE.c.sent + sent,
                refused=STATE.c.refused + refused,
                sent_ns=self._database.now_ns(),
                trouble="",
            )
            connection.execute(sa.delete(JOURNAL).where(JOURNAL.c.seq <= position))

    def fail(self, trouble: str) -> None:
        """Nothing could be sent just now, and why."""
        with self._database.writing() as connection:
            self._change(connection, failures=STATE.c.failures + 1, trouble=trouble[:500])

    def state(self) -> ForwardState:
        """Offset, lag and trouble of this moment."""
        with self._database.reading() as connection:
            row = connection.execute(STATE.select().where(STATE.c.name == _ONE)).mappings().one_or_none()
            lag = sa.select(sa.func.sum(JOURNAL.c.item_count), sa.func.min(JOURNAL.c.received_ns))
            waiting, oldest = connection.execute(lag).one()
        known = {**_NEW, **{key: row[key] for key in _NEW}} if row else _NEW
        return ForwardState(**known, waiting=int(waiting or 0), oldest_ns=int(oldest or 0))

    def _change(self, connection: Connection, **values: object) -> None:
        first = self._database.upsert(STATE).values(name=_ONE, **_NEW)
        connection.execute(first.on_conflict_do_nothing(index_elements=["name"]))
        connection.execute(sa.update(STATE).where(STATE.c.name == _ONE).values(**values))


def _position(connection: Connection) -> int:
    return connection.execute(sa.select(STATE.c.position).where(STATE.c.name == _ONE)).scalar() or 0
