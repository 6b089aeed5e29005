"""What is stored and not forwarded to another backend yet, and how far forwarding has come: one journal, an offset per signal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text
from sqlalchemy.engine import Connection, Row

from spans.health import ForwardSignal
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
    Column("signal", Text, nullable=False),
    Column("until_ns", BigInteger, nullable=False),
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
    Column("gone", BigInteger, nullable=False),
    Column("gone_from_ns", BigInteger, nullable=False),
    Column("gone_until_ns", BigInteger, nullable=False),
)
_NAMES: dict[ForwardSignal, str] = {"spans": "destination", "logs": "logs"}
_NUMBERS = ("position", "sent", "refused", "failures", "sent_ns", "gone", "gone_from_ns", "gone_until_ns")
_NEW: dict[str, object] = {**dict.fromkeys(_NUMBERS, 0), "trouble": ""}
PERIOD = "period"
"""Segment of a row that stands for a period; no segment of the spool is called so."""
_DAY_NS = 86_400 * 10**9
"""What is stored expires by the day of its receipt, so a period is of one day."""


@dataclass(frozen=True, slots=True)
class ForwardRecord:
    """A record of the spool whose items are stored and not forwarded yet; or, with `until_ns`, all of a period's."""

    segment: str
    slot: int
    project: str
    traces: tuple[TraceId, ...]
    items: int
    received_ns: int
    seq: int = 0
    signal: ForwardSignal = "spans"
    until_ns: int = 0
    """Not 0: this stands for everything that was received from `received_ns` until then."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch: everything up to a place of the journal, or of a period up to a moment."""

    position: int
    sent: int
    refused: int = 0
    resume_ns: int = 0
    """Not 0: the period at `position` is done up to this moment, and goes on there."""
    items: int = 0
    """Of a period: how many items were looked at."""
    gone: int = 0
    """Items that were not here any more when they could be sent."""
    gone_from_ns: int = 0
    gone_until_ns: int = 0


@dataclass(frozen=True, slots=True)
class ForwardState:
    """How far forwarding has come: `position` is the offset, everything up to it has arrived or was refused there."""

    position: int
    sent: int
    refused: int
    failures: int
    sent_ns: int
    trouble: str
    gone: int
    """Items that had expired or were erased before they could be sent."""
    gone_from_ns: int
    gone_until_ns: int
    """Between when they were received."""
    waiting: int
    """Items behind the offset."""
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
            for number, record in enumerate(records, _last(connection) + 1):
                insert = self._database.upsert(JOURNAL).values(**_row(record, number))
                connection.execute(insert.on_conflict_do_nothing(index_elements=["segment", "slot"]))

    def next(self, signal: ForwardSignal, limit: int) -> tuple[ForwardRecord, ...]:
        """The first records behind the offset."""
        mine = JOURNAL.select().where(JOURNAL.c.signal == signal).order_by(JOURNAL.c.seq).limit(limit)
        with self._database.reading() as connection:
            return tuple(_record(row) for row in connection.execute(mine))

    def advance(self, signal: ForwardSignal, done: Done) -> None:
        """This much is done; repeating it changes nothing."""
        with self._database.writing() as connection:
            if done.resume_ns:
                if not _resume(connection, done):
                    return
                moved: dict[str, object] = {}
            elif done.position <= _position(connection, signal):
                return
            else:
                moved = {"position": done.position}
            if done.gone:
                first = sa.case((STATE.c.gone == 0, done.gone_from_ns), else_=STATE.c.gone_from_ns)
                moved |= {"gone": STATE.c.gone + done.gone, "gone_from_ns": first, "gone_until_ns": done.gone_until_ns}
            self._change(
                connection,
                signal,
                sent=STATE.c.sent + done.sent,
                refused=STATE.c.refused + done.refused,
                sent_ns=self._database.now_ns(),
                trouble="",
                **moved,
            )
            if not done.resume_ns:
                connection.execute(sa.delete(JOURNAL).where(JOURNAL.c.signal == signal, JOURNAL.c.seq <= done.position))

    def fail(self, signal: ForwardSignal, trouble: str) -> None:
        """Nothing could be sent just now, and why."""
        with self._database.writing() as connection:
            self._change(connection, signal, failures=STATE.c.failures + 1, trouble=trouble[:500])

    def size(self, signal: ForwardSignal) -> tuple[int, int]:
        """Rows of the journal, and about how many bytes they take."""
        asked = sa.select(sa.func.count(), sa.func.sum(sa.func.length(JOURNAL.c.traces)))
        with self._database.reading() as connection:
            rows, text = connection.execute(asked.where(JOURNAL.c.signal == signal)).one()
        return int(rows), int(rows) * 150 + int(text or 0)

    def fold(self, signal: ForwardSignal, head: int) -> None:
        """Make one period per day of all rows but the first `head`, which may be on their way; nothing is forgotten by it."""
        mine = JOURNAL.select().where(JOURNAL.c.signal == signal).order_by(JOURNAL.c.seq).offset(head)
        with self._database.writing() as connection:
            rows = [_record(row) for row in connection.execute(mine)]
            if len(rows) < 2 or all(row.until_ns for row in rows):
                return
            connection.execute(sa.delete(JOURNAL).where(JOURNAL.c.signal == signal, JOURNAL.c.seq >= rows[0].seq))
            by_day: dict[int, list[ForwardRecord]] = {}
            for row in rows:
                by_day.setdefault(row.received_ns // _DAY_NS, []).append(row)
            # Their places are the last of those that were folded: what is appended later stands behind them, and what
            # lies between them may be of another signal.
            places = [row.seq for row in rows[-len(by_day) :]]
            for seq, day in zip(places, sorted(by_day), strict=True):
                connection.execute(sa.insert(JOURNAL).values(**_row(_period(by_day[day], seq), seq)))

    def state(self, signal: ForwardSignal) -> ForwardState:
        """Offset, lag and trouble of this moment."""
        with self._database.reading() as connection:
            row = connection.execute(STATE.select().where(STATE.c.name == _NAMES[signal])).mappings().one_or_none()
            lag = sa.select(sa.func.sum(JOURNAL.c.item_count), sa.func.min(JOURNAL.c.received_ns))
            waiting, oldest = connection.execute(lag.where(JOURNAL.c.signal == signal)).one()
        known = {key: row[key] for key in _NEW} if row else _NEW
        return ForwardState(**known, waiting=int(waiting or 0), oldest_ns=int(oldest or 0))

    def _change(self, connection: Connection, signal: ForwardSignal, **values: object) -> None:
        first = self._database.upsert(STATE).values(name=_NAMES[signal], **_NEW)
        connection.execute(first.on_conflict_do_nothing(index_elements=["name"]))
        connection.execute(sa.update(STATE).where(STATE.c.name == _NAMES[signal]).values(**values))


def _period(rows: Sequence[ForwardRecord], seq: int) -> ForwardRecord:
    """What stands for some rows of one day."""
    return ForwardRecord(
        segment=f"{PERIOD} {seq}",
        slot=0,
        project="",
        traces=(),
        items=sum(row.items for row in rows),
        received_ns=min(row.received_ns for row in rows),
        signal=rows[0].signal,
        until_ns=max(max(row.received_ns, row.until_ns) for row in rows),
    )


def _row(record: ForwardRecord, seq: int) -> dict[str, object]:
    return {
        "seq": seq,
        "segment": record.segment,
        "slot": record.slot,
        "project": record.project,
        "traces": json.dumps(record.traces),
        "item_count": record.items,
        "received_ns": record.received_ns,
        "signal": record.signal,
        "until_ns": record.until_ns,
    }


def _record(row: Row[tuple[object, ...]]) -> ForwardRecord:
    return ForwardRecord(
        segment=row.segment,
        slot=row.slot,
        project=row.project,
        traces=tuple(TraceId(t) for t in json.loads(row.traces)),
        items=row.item_count,
        received_ns=row.received_ns,
        seq=row.seq,
        signal=row.signal,
        until_ns=row.until_ns,
    )


def _resume(connection: Connection, done: Done) -> bool:
    """Move the beginning of a period; False when it stands there already, or the period is gone."""
    here = (JOURNAL.c.seq == done.position, JOURNAL.c.received_ns < done.resume_ns)
    left = JOURNAL.c.item_count - done.items
    change = (
        sa.update(JOURNAL)
        .where(*here)
        .values(received_ns=done.resume_ns, item_count=sa.case((left > 0, left), else_=0))
    )
    return connection.execute(change).rowcount == 1


def _last(connection: Connection) -> int:
    """The last place that was ever given."""
    offsets = connection.execute(sa.select(sa.func.max(STATE.c.position))).scalar() or 0
    return max(offsets, connection.execute(sa.select(sa.func.max(JOURNAL.c.seq))).scalar() or 0)


def _position(connection: Connection, signal: ForwardSignal) -> int:
    named = sa.select(STATE.c.position).where(STATE.c.name == _NAMES[signal])
    return connection.execute(named).scalar() or 0
