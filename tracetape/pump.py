"""Carries worker deliveries into the store: insert, settle in the ledger, confirm to the broker, mark traces dirty."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from collector.broker import Delivery
from spans.errors import BusyError
from spans.ids import TraceId
from store.api import Store
from store.ledger.slots import SettledSlot, SlotKey
from tracetape.assembler import Assembler
from tracetape.repeats import Repeats
from tracetape.watermark import Watermark

logger = logging.getLogger(__name__)

MAX_ROWS = 20_000
"""Rows of one insert: where the engine's fsyncs stop dominating (reliability reference, section 1.3)."""
MAX_RECORDS = 256
"""Records of one insert; the broker hands nothing out while four times as many wait for the store."""
BEAT_S = 1.0
"""From one insert to the next under a steady trickle. Each costs a part per table and day and its merges later, which is several
times the work of storing its rows."""
AHEAD_S = 4.0
"""How far inserts may run ahead of that beat: after a pause, five in a row are made at once and nobody waits."""
RETRY_S = 1.0


class SlotLedger(Protocol):
    """The part of the ledger that remembers what every slot became."""

    def settle(self, rows: Sequence[SettledSlot]) -> None:
        """Durable when it returns; idempotent by slot."""


class Confirms(Protocol):
    """The part of the broker that forgets confirmed slots."""

    def confirm(self, keys: Sequence[SlotKey]) -> None:
        """The store and the ledger hold these now."""


class Pump:
    """One thread between the broker and the store; the broker's few references in flight bound its queue."""

    def __init__(
        self,
        store: Store,
        slots: SlotLedger,
        assembler: Assembler,
        watermark: Watermark,
        note: Callable[[Sequence[Delivery]], None] = lambda _batch: None,
        strain: Callable[[Delivery], Delivery] = lambda delivery: delivery,
    ) -> None:
        """Build; `note` is told what is stored and about to be settled, and may be told twice.

        `strain` takes out of a delivery what was erased before it could be stored.
        """
        self._store = store
        self._slots = slots
        self._assembler = assembler
        self._watermark = watermark
        self._note = note
        self._strain = strain
        self.repeats = Repeats()
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._broker: Confirms | None = None
        self.accounting = threading.Lock()
        """Held while a batch moves from pending to stored, so that the delivery check never sees it in both or neither."""
        self.redacted: Counter[str] = Counter()
        self.records = 0
        self.work_s = 0.0
        self.inserts = 0
        self.insert_s = 0.0
        self.failures = 0
        self._next_insert = 0.0
        self._thread = threading.Thread(target=self._loop, name="pump", daemon=True)

    def start(self, broker: Confirms) -> None:
        """Begin; confirmations go to `broker`."""
        self._broker = broker
        self._thread.start()

    def offer(self, delivery: Delivery) -> None:
        """Take a delivery from the broker; returns at once."""
        self._queue.put(delivery)

    def stop(self, timeout_s: float) -> None:
        """Store what was offered, then stop. What is not confirmed is handed out again after a restart."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _loop(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch, last = self._gather(first)
            self._store_batch(batch)
            if last:
                return

    def _gather(self, first: Delivery) -> tuple[list[Delivery], bool]:
        """What goes into one insert, and whether it is the last one."""
        batch, rows = [first], first.items
        while rows < MAX_ROWS and len(batch) < MAX_RECORDS:
            wait_s = self._next_insert - time.monotonic()
            try:
                more = self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, True
            batch.append(more)
            rows += more.items
        self._next_insert = max(self._next_insert, time.monotonic() - AHEAD_S) + BEAT_S
        return batch, False

    def _store_batch(self, whole: Sequence[Delivery]) -> None:
        batch: list[Delivery] = []
        for delivery in whole:
            self._until_done(lambda d=delivery: batch.append(self._strain(d)))  # type: ignore[misc]
        for delivery in batch:
            self.redacted[delivery.signal] += delivery.items
            self.records += 1
            self.work_s += delivery.work_s
        started = time.monotonic()
        self._until_done(lambda: self._store.write_evidence(_concat(batch)))
        self.inserts += 1
        self.insert_s += time.monotonic() - started
        self._until_done(lambda: self._watermark.lower(min(d.received_ns for d in batch)))
        self._until_done(lambda: self._note(batch))
        shapes = [self.repeats.shape(d.tables) + Counter({"erased": d.erased}) for d in batch]
        rows = [row for d, shape in zip(batch, shapes, strict=True) for row in _settled(d, shape)]
        self._until_done(lambda: self._settle(batch, rows))

    def _settle(self, batch: Sequence[Delivery], rows: Sequence[SettledSlot]) -> None:
        """One try; while the ledger cannot be written, nobody who asks for the delivery check is kept waiting."""
        with self.accounting:
            self._slots.settle(rows)
            for project, traces in _touched(batch).items():
                self._assembler.mark(project, traces)
            if self._broker is not None:
                self._broker.confirm([d.key for d in batch])

    def _until_done(self, work: Callable[[], None]) -> None:
        """Repeat until it succeeds: both writes are idempotent, and the spool keeps everything meanwhile."""
        while True:
            try:
                work()
            except BusyError as error:
                logger.warning("the store is busy; writing again in a second", extra={"reason": str(error)})
            except Exception:
                logger.exception("writing failed; trying again in a second")
            else:
                return
            self.failures += 1
            time.sleep(RETRY_S)


def _concat(batch: Sequence[Delivery]) -> dict[str, pa.Table]:
    parts: dict[str, list[pa.Table]] = defaultdict(list)
    for delivery in batch:
        for name, table in delivery.tables.items():
            if table.num_rows:
                parts[name].append(table)
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


def _settled(delivery: Delivery, shape: Mapping[str, int]) -> list[SettledSlot]:
    """What became of a record: stored, but for the items that were set aside; both in one transaction."""
    stored = SettledSlot(
        segment=delivery.key.segment,
        slot=delivery.key.slot,
        signal=delivery.signal,
        state="stored",
        items=delivery.items,
        stored_as=dict(shape),
        reason="",
        received_ns=delivery.received_ns,
    )
    return [stored, delivery.set_aside] if delivery.set_aside else [stored]


def _touched(batch: Sequence[Delivery]) -> Mapping[str, Mapping[TraceId, tuple[int, int]]]:
    """Traces with new evidence per project; a delivery's items are counted on its first trace."""
    touched: dict[str, dict[TraceId, tuple[int, int]]] = defaultdict(dict)
    for delivery in batch:
        for position, trace in enumerate(delivery.traces):
            n = delivery.items - delivery.erased if position == 0 else 0
            spans, logs = touched[delivery.project].get(trace, (0, 0))
            touched[delivery.project][trace] = (spans + n, logs) if delivery.signal == "spans" else (spans, logs + n)
    return touched
