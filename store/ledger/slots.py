"""What became of every slot of the spool: attempts before each try, one settlement, totals in the same transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.ledger.database import Database
from store.ledger.tables import ATTEMPTS, SLOT_TOTALS, SLOTS

STORED = "stored"
QUARANTINED = "quarantined"
SET_ASIDE = "set_aside"
"""A slot whose items are counted under another key: its quarantined record has a name of its own."""
DROPPED = "dropped_by_person"
EXPIRED = "expired"
_LEAVES_QUARANTINE = frozenset({STORED, DROPPED, EXPIRED})


@dataclass(frozen=True, slots=True, order=True)
class SlotKey:
    """One record of the spool: a segment file and the slot's number in it."""

    segment: str
    slot: int


@dataclass(frozen=True, slots=True)
class SettledSlot:
    """What a slot became. `stored_as` counts its items by shape: rows, duplicate, folded, discarded, withheld."""

    segment: str
    slot: int
    signal: str
    state: str
    items: int
    stored_as: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    received_ns: int = 0


@dataclass(frozen=True, slots=True)
class SlotTotals:
    """Sums over every slot ever settled, for one signal."""

    stored: int = 0
    quarantined: int = 0
    dropped_by_person: int = 0
    expired: int = 0
    stored_as: Mapping[str, int] = field(default_factory=dict)


class Slots:
    """The conservation ledger. Rows of a segment are forgotten with it; totals stay."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def attempt(self, keys: Sequence[SlotKey]) -> dict[SlotKey, int]:
        """Count one more attempt for each slot, before it is handed out, and return the new counts.

        Survives the death of every process; a power cut may forget the last ones, which costs one more attempt.
        """
        counts: dict[SlotKey, int] = {}
        with self._database.writing(durable=False) as connection:
            for key in keys:
                insert = self._database.upsert(ATTEMPTS).values(segment=key.segment, slot=key.slot, attempts=1)
                counts[key] = connection.execute(
                    insert.on_conflict_do_update(
                        index_elements=["segment", "slot"],
                        set_={"attempts": ATTEMPTS.c.attempts + 1},
                    ).returning(ATTEMPTS.c.attempts),
                ).scalar_one()
        return counts

    def settle(self, rows: Sequence[SettledSlot]) -> None:
        """Record what slots became; durable when it returns, and repeating it changes nothing.

        A quarantined slot may be settled again as stored (it was driven again), dropped or expired; nothing else
        changes a settled slot.
        """
        changes: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        with self._database.writing() as connection:
            # In one order everywhere, or two processes that settle the same slots would wait for each other for ever.
            for row in sorted(rows, key=lambda row: (row.segment, row.slot)):
                self._settle_one(connection, row, changes)
            for (signal, state, kept_as), items in sorted(changes.items()):
                if items:
                    insert = self._database.upsert(SLOT_TOTALS).values(
                        signal=signal,
                        state=state,
                        kept_as=kept_as,
                        item_count=items,
                    )
                    connection.execute(
                        insert.on_conflict_do_update(
                            index_elements=["signal", "state", "kept_as"],
                            set_={"item_count": SLOT_TOTALS.c.item_count + items},
                        ),
                    )

    def settled(self, segment: str) -> frozenset[int]:
        """Slots of a segment that need no more work."""
        with self._database.reading() as connection:
            return frozenset(connection.execute(sa.select(SLOTS.c.slot).where(SLOTS.c.segment == segment)).scalars())

    def forget_segment(self, segment: str) -> None:
        """Drop the rows of a segment that no longer exists; its totals stay."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(SLOTS).where(SLOTS.c.segment == segment))
            connection.execute(sa.delete(ATTEMPTS).where(ATTEMPTS.c.segment == segment))

    def reopen(self, segment: str) -> None:
        """A quarantined record goes back into the spool: until it is settled again the ledger knows nothing of it."""
        quarantined = (SLOTS.c.segment == segment, SLOTS.c.state == QUARANTINED)
        with self._database.writing() as connection:
            for row in connection.execute(SLOTS.select().where(*quarantined)).all():
                total = (
                    SLOT_TOTALS.c.signal == row.signal,
                    SLOT_TOTALS.c.state == QUARANTINED,
                    SLOT_TOTALS.c.kept_as == "",
                )
                left = {"item_count": SLOT_TOTALS.c.item_count - row.item_count}
                connection.execute(sa.update(SLOT_TOTALS).where(*total).values(**left))
            connection.execute(sa.delete(SLOTS).where(*quarantined))
            connection.execute(sa.delete(ATTEMPTS).where(ATTEMPTS.c.segment == segment))

    def quarantined(self) -> tuple[SettledSlot, ...]:
        """Slots in quarantine, oldest first."""
        query = SLOTS.select().where(SLOTS.c.state == QUARANTINED).order_by(SLOTS.c.settled_ns, SLOTS.c.slot)
        with self._database.reading() as connection:
            return tuple(
                SettledSlot(
                    r.segment,
                    r.slot,
                    r.signal,
                    r.state,
                    r.item_count,
                    json.loads(r.stored_as),
                    r.reason,
                    r.received_ns,
                )
                for r in connection.execute(query)
            )

    def totals(self) -> dict[str, SlotTotals]:
        """Totals per signal, `spans` and `logs` always present."""
        states: dict[str, dict[str, int]] = {"spans": {}, "logs": {}}
        shapes: defaultdict[str, dict[str, int]] = defaultdict(dict)
        with self._database.reading() as connection:
            for row in connection.execute(SLOT_TOTALS.select()):
                if row.kept_as:
                    shapes[row.signal][row.kept_as] = row.item_count
                else:
                    states.setdefault(row.signal, {})[row.state] = row.item_count
        return {signal: SlotTotals(**found, stored_as=shapes[signal]) for signal, found in states.items()}

    def _settle_one(
        self,
        connection: Connection,
        row: SettledSlot,
        changes: defaultdict[tuple[str, str, str], int],
    ) -> None:
        where = (SLOTS.c.segment == row.segment, SLOTS.c.slot == row.slot)
        values = {
            "signal": row.signal,
            "state": row.state,
            "item_count": row.items,
            "stored_as": json.dumps(dict(row.stored_as)),
            "reason": row.reason,
            "received_ns": row.received_ns,
            "settled_ns": self._database.now_ns(),
        }
        # The insert decides who is first: on a server another process may be settling the same slot at this moment.
        insert = self._database.upsert(SLOTS).values(segment=row.segment, slot=row.slot, **values)
        first = insert.on_conflict_do_nothing(index_elements=["segment", "slot"]).returning(SLOTS.c.slot)
        if connection.execute(first).one_or_none() is None:
            found = sa.select(SLOTS.c.state, SLOTS.c.item_count).where(*where).with_for_update()
            before = connection.execute(found).one_or_none()
            if before is None or before.state != QUARANTINED or row.state not in _LEAVES_QUARANTINE:
                return
            changes[row.signal, QUARANTINED, ""] -= before.item_count
            connection.execute(sa.update(SLOTS).where(*where).values(**values))
        changes[row.signal, row.state, ""] += row.items
        for shape, items in row.stored_as.items():
            changes[row.signal, row.state, shape] += items
