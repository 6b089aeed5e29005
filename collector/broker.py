"""The broker in main: hands slot references to workers, takes back their tables, settles what cannot be processed."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from collector.backlog import DAMAGED_FOLDER, Backlog, OpenSlot, State
from collector.handoff import Frame, HandoffError, is_our_user, listen, recv_frame, send_frame
from collector.isolate import Trial, pick
from collector.quarantine import Quarantine
from collector.rework import NotRedactedError, Reworked
from collector.spool.format import SUFFIX, Payload, SegmentHeader, Signal, SpoolError
from collector.spool.keys import (
    KeyRing,
    UnsealError,
    destroy_retired_keys,
    ensure_spool_keys,
    load_key_ring,
    load_seal_key,
)
from collector.spool.reader import Lost, SegmentReader, key_ids, segment_paths
from collector.spool.sidestore import SetAside, SideStore, name_of
from collector.trouble import described
from spans.errors import BusyError
from spans.ids import TraceId
from store.ledger.slots import SettledSlot, SlotKey, SlotTotals

logger = logging.getLogger(__name__)

MIB = 1024 * 1024
MAX_ATTEMPTS = 3
RESTARTS_MAX = 3
"""How often a record may be taken apart from the beginning because main was restarted meanwhile."""
IN_FLIGHT = 2
"""Bundles per worker: one being worked on, one waiting for it."""
BUNDLE_RECORDS = 32
BUNDLE_BYTES = MIB
BUNDLE_ITEMS = 2_000
DELIVERED_BYTES_MAX = 64 * MIB
"""Sealed bytes of records that wait for the store; more back-pressure than this is the spool's job."""
DELIVERED_MAX = 1_024
LOOK_BUSY_S = 0.02
LOOK_IDLE_S = 0.1
RETRY_PAUSE_S = 0.5
AGAIN_S = 1.0
QUARANTINE_FOLDER = "quarantine"
WITHHELD_FOLDER = "withheld"
ACK_NS = 10_000_000_000
"""A record is in its file at most this long after it was received: no answer takes longer than five seconds."""
REWORK_S = 330.0
"""A worker that redacts one original longer than this has ended itself before."""
DIED = "Its worker stopped {tries} times while working on it."
FAILED = "It could not be processed ({kind}), {tries} times."
DAMAGED = "It was damaged on disk and cannot be unsealed."


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where the spool, its keys and the workers' socket are, and how workers shall redact."""

    spool: Path
    keys: Path
    socket: Path
    redaction_mode: str = "full"
    redaction_rules: Path | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One processed record on its way into the store."""

    key: SlotKey
    signal: str
    project: str
    received_ns: int
    items: int
    tables: Mapping[str, pa.Table]
    traces: tuple[TraceId, ...]
    withheld: int = 0
    set_aside: SettledSlot | None = None
    """Items of the same record that were quarantined: settled together with it."""
    work_s: float = 0.0
    """How long the worker had it."""
    erased: int = 0
    """Items that were erased before they could be stored: not in `tables` any more, and counted all the same."""


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """Figures of one moment. `acked` is everything that was ever made durable in this spool."""

    pending_spans: int = 0
    pending_logs: int = 0
    acked_spans: int = 0
    acked_logs: int = 0
    workers_ready: int = 0
    workers: int = 0
    oldest_age_s: float = 0.0
    lost_records: int = 0
    damaged_bytes: int = 0
    torn_bytes: int = 0
    newer_segments: int = 0
    """Written by a later version: they wait for a program that can read them, and their items are in no count."""
    worker_trouble: str = ""
    """Why no worker can start, in one sentence; empty when at least one is ready."""


@dataclass(frozen=True, slots=True)
class Held:
    """What of a time still lies in the spool: sealed files, and items that are not stored yet."""

    files: int
    items: int


class Slots(Protocol):
    """The part of the ledger the broker needs."""

    def attempt(self, keys: Sequence[SlotKey]) -> dict[SlotKey, int]:
        """Count an attempt of each before it begins; returns the new counts."""

    def settle(self, rows: Sequence[SettledSlot]) -> None:
        """Durable and idempotent."""

    def settled(self, segment: str) -> frozenset[int]:
        """Slots of a segment that need no more work."""

    def reopen(self, segment: str) -> None:
        """A quarantined record goes back into the spool."""

    def quarantined(self) -> tuple[SettledSlot, ...]:
        """Everything in quarantine, oldest first."""

    def forget_segment(self, segment: str) -> None:
        """The segment no longer exists."""

    def totals(self) -> dict[str, SlotTotals]:
        """What every settled slot became, per signal."""


@dataclass(slots=True, eq=False)
class _Connection:
    """One worker."""

    sock: socket.socket
    name: str = "worker"
    ready: bool = False
    leaving: bool = False
    bundles: list[set[SlotKey]] = field(default_factory=list)
    sending: threading.Lock = field(default_factory=threading.Lock)
    redactions: dict[int, Future[str]] = field(default_factory=dict)
    reworks: dict[int, Future[Frame]] = field(default_factory=dict)

    def send(self, head: Mapping[str, Any]) -> None:
        with self.sending:
            send_frame(self.sock, head)

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def done(self, key: SlotKey) -> bool:
        """Take a slot off what this worker holds; False when it never had it."""
        for bundle in self.bundles:
            if key in bundle:
                bundle.remove(key)
                if not bundle:
                    self.bundles.remove(bundle)
                return True
        return False


class Broker:
    """Owns the way from the spool to `on_delivery`. Every public method may be called from any thread."""

    def __init__(
        self,
        settings: BrokerSettings,
        slots: Slots,
        on_delivery: Callable[[Delivery], None],
        *,
        on_quarantine: Callable[[SetAside], None] | None = None,
        accounting: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Build; nothing flows until `start`.

        Args:
            settings: places and redaction mode.
            slots: the slot ledger.
            on_delivery: takes a processed record; may block, which holds its worker back.
            on_quarantine: told about records set aside.
            accounting: held while a slot moves from pending to quarantined, so that a reader of both sees it once.
        """
        self._settings = settings
        self._slots = slots
        self._on_delivery = on_delivery
        self._on_quarantine = on_quarantine
        self._accounting: AbstractContextManager[Any] = accounting or threading.Lock()
        quarantined = SideStore(settings.spool / QUARANTINE_FOLDER)
        self.quarantine = Quarantine(settings.spool, quarantined, slots, self._accounting)
        self.withheld = SideStore(settings.spool / WITHHELD_FOLDER)
        self._wake = threading.Condition(threading.RLock())
        self._connections: list[_Connection] = []
        self._backlog: Backlog | None = None
        self._ring: KeyRing | None = None
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._trouble = ""
        self._delivered_bytes = 0
        self._delivered: set[SlotKey] = set()
        self._again: list[tuple[float, Callable[[], None]]] = []
        self._ids = itertools.count(1)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Read the spool's heads, listen for workers, begin to hand out.

        Raises:
            SettingsError: a key cannot be read.
        """
        settings = self._settings
        settings.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        ensure_spool_keys(settings.keys)
        self._ring = load_key_ring(settings.keys)
        backlog = self._backlog = self._a_backlog()
        backlog.look()
        self.quarantine.mend(lambda segment, slot: backlog.find(segment, slot) is not None)
        self._listener = listen(settings.socket)
        self._spawn(self._accept, "broker-door")
        self._spawn(self._dispatch, "broker")

    def inspect(self) -> None:
        """Read the spool's heads without handing anything out, so that `status` is true where nothing flows."""
        with self._wake:
            if self._backlog is None:
                self._backlog = self._a_backlog()
            self._backlog.look()

    def confirm(self, keys: Sequence[SlotKey]) -> None:
        """The store holds these durably and the ledger has settled them."""
        with self._wake:
            for key in keys:
                self._forget(key)
            self._wake.notify_all()

    def stop(self, drain_s: float) -> None:
        """Hand out nothing more, wait for what is under way, close. Safe to call twice and before `start`."""
        deadline = time.monotonic() + drain_s
        with self._wake:
            self._stopping.set()
            self._wake.notify_all()
            while any(c.bundles for c in self._connections) or self._delivered:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._wake.wait(left)
            connections, self._connections = self._connections, []
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._settings.socket.unlink(missing_ok=True)
        for connection in connections:
            connection.drop()
        for thread in self._threads:
            thread.join(1)
        with self._wake:
            if self._backlog is not None:
                self._backlog.close()
                self._backlog = None

    def destroy_unused_keys(self) -> int:
        """Destroy retired spool keys that no record is sealed for any more; returns how many went."""
        spool = self._settings.spool
        used = key_ids([spool, self.withheld.folder, spool / QUARANTINE_FOLDER])
        if used is None or (spool / DAMAGED_FOLDER).exists():
            return 0  # somebody may still want to read what cannot be read now
        return destroy_retired_keys(self._settings.keys, used)

    def redact_text(self, project: str, text: str, timeout_s: float = 5.0) -> str:
        """Redact a text as stored text was redacted; goes before every record.

        Raises:
            BusyError: no worker is ready, or none answered in time.
        """
        return self._ask_worker({"project": project, "text": text}, timeout_s)

    def explain_text(self, project: str, text: str, timeout_s: float = 10.0) -> str:
        """What would be hidden in a text and why, as JSON (`collector.pipeline.Explained`); nothing is kept of it.

        Raises:
            BusyError: no worker is ready, or none answered in time.
        """
        return self._ask_worker({"project": project, "text": text, "want": "explained"}, timeout_s)

    def pseudonyms(self, project: str, entity: str, value: str, timeout_s: float = 5.0) -> tuple[str, ...]:
        """The tokens of a value as `Pipeline.pseudonyms` tells them. Only workers hold keys, so one is asked.

        Raises:
            BusyError: no worker is ready, or none answered in time.
        """
        asked = {"project": project, "text": value, "want": "pseudonyms", "entity": entity}
        return tuple(json.loads(self._ask_worker(asked, timeout_s)))

    def held_until(self, until_ns: int) -> Held:
        """What the spool still holds that may have been received until a moment; no sealed byte of it is left at (0, 0).

        A file goes as a whole, so one with other records of the same minute counts as well.
        """
        with self._wake:
            self._look()
            items = self._backlog.pending_until(until_ns) if self._backlog else 0
        begun = (int(path.stem.partition("-")[0], 16) for path in segment_paths(self._settings.spool))
        return Held(sum(ns <= until_ns + ACK_NS for ns in begun), items)

    def unseal(self, files: SideStore, kept: SetAside) -> Payload:
        """A record set aside, as it was sent.

        Raises:
            SpoolError: it is damaged or gone.
            UnsealError: it cannot be unsealed.
        """
        return files.read(kept.name, load_key_ring(self._settings.keys))

    def rework(self, kept: SetAside, files: SideStore | None = None, timeout_s: float = REWORK_S) -> Reworked:
        """Have a worker redact a record set aside, a withheld original unless told otherwise; see `collector.rework.Reworker`."""
        folder = (files or self.withheld).folder
        reader = SegmentReader(folder / f"{kept.name}{SUFFIX}")
        try:
            records = reader.scan().records
            if not records:
                raise UnsealError("The original is damaged.")
            ref, data_key = records[0], reader.header.data_key(load_key_ring(self._settings.keys))
        finally:
            reader.close()
        head = ref.head
        asked = {
            "type": "rework", "folder": folder.name, "name": kept.name, "segment": kept.segment, "origin": kept.slot, "slot": head.slot,
            "signal": int(head.signal), "items": head.items, "project": head.project, "received_ns": head.received_ns,
            "spans_before": head.spans_before, "logs_before": head.logs_before, "version": head.version, "payload_bytes": head.payload_bytes, "offset": ref.offset, "head_bytes": ref.head_bytes,
            "data_key": base64.b64encode(data_key).decode(),
        }  # fmt: skip
        connection = self._a_worker()
        number = next(self._ids)
        answer: Future[Frame] = Future()
        connection.reworks[number] = answer
        try:
            connection.send({**asked, "id": number})
            frame = answer.result(timeout_s)
        except (HandoffError, FutureTimeoutError):
            raise BusyError("The original could not be redacted in time; it is tried again later.") from None
        finally:
            connection.reworks.pop(number, None)
        if frame.head.get("later"):
            raise BusyError("The original could not be read just now; it is tried again later.")
        if frame.head.get("failed"):
            raise NotRedactedError("The original could not be redacted.")
        tables = dict(zip(frame.head["tables"], map(_table, frame.pieces), strict=True))
        return Reworked(tables, tuple(TraceId(t) for t in frame.head["traces"]), int(frame.head["withheld"]))

    def _a_worker(self) -> _Connection:
        with self._wake:
            ready = [c for c in self._connections if c.ready and not c.leaving]
            if not ready:
                raise BusyError("The redaction models are still loading; try again in a few seconds.")
            return min(ready, key=lambda c: len(c.bundles))

    def _ask_worker(self, asked: Mapping[str, str], timeout_s: float) -> str:
        with self._wake:
            ready = [c for c in self._connections if c.ready and not c.leaving]
            if not ready:
                raise BusyError("The redaction models are still loading; try again in a few seconds.")
            connection = min(ready, key=lambda c: len(c.bundles))
            number = next(self._ids)
            answer: Future[str] = Future()
            connection.redactions[number] = answer
        try:
            connection.send({**asked, "type": "redact", "id": number})
            return answer.result(timeout_s)
        except (HandoffError, FutureTimeoutError):
            raise BusyError("The text could not be redacted in time; try again.") from None
        finally:
            connection.redactions.pop(number, None)

    def status(self) -> BrokerStatus:
        """Figures of this moment; looks at the spool first, so that nothing acknowledged is missing."""
        totals = self._slots.totals()
        with self._wake:
            if self._backlog is None:
                return BrokerStatus()
            self._look()
            pending = {signal: self._backlog.pending(signal) for signal in Signal}
            oldest = self._backlog.oldest_received_ns()
            return BrokerStatus(
                pending_spans=pending[Signal.SPANS],
                pending_logs=pending[Signal.LOGS],
                acked_spans=_settled_items(totals.get("spans")) + pending[Signal.SPANS],
                acked_logs=_settled_items(totals.get("logs")) + pending[Signal.LOGS],
                workers_ready=sum(c.ready and not c.leaving for c in self._connections),
                workers=len(self._connections),
                oldest_age_s=max(0.0, (time.time_ns() - oldest) / 1e9) if oldest else 0.0,
                lost_records=self._backlog.lost_slots,
                damaged_bytes=self._backlog.damaged_bytes,
                torn_bytes=self._backlog.torn_bytes,
                newer_segments=self._backlog.newer_segments,
                worker_trouble=self._trouble,
            )

    def _a_backlog(self) -> Backlog:
        return Backlog(self._settings.spool, self._slots.settled, self._slots.forget_segment, on_lost=self._settle_lost)

    def _settle_lost(self, header: SegmentHeader, lost: Lost) -> None:
        """Damaged beyond recognition, but accepted once: counted in quarantine, where a person sees it, and never twice."""
        self._slots.settle(Quarantine.lost_rows(header, lost))

    def _spawn(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()]
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while not self._stopping.is_set() and self._listener is not None:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if not is_our_user(sock):
                sock.close()
                continue
            connection = _Connection(sock)
            with self._wake:
                if self._stopping.is_set():
                    sock.close()
                    return
                self._connections.append(connection)
            self._spawn(lambda c=connection: self._talk(c), "broker-worker")  # type: ignore[misc]

    def _talk(self, connection: _Connection) -> None:
        """Everything one worker says."""
        try:
            connection.send(
                {
                    "type": "hello",
                    "mode": self._settings.redaction_mode,
                    "rules_path": str(self._settings.redaction_rules) if self._settings.redaction_rules else None,
                    "keys": str(self._settings.keys),
                }
            )
            while True:
                self._hear(connection, recv_frame(connection.sock))
        except HandoffError as error:
            if not self._stopping.is_set():
                logger.info("a worker left", extra={"worker": connection.name, "reason": str(error)})
        except Exception as error:  # noqa: BLE001 a worker that talks nonsense loses its connection, nothing else
            logger.error("a worker was disconnected", extra={"trouble": described(error)})  # noqa: TRY400
        finally:
            connection.sock.close()
            self._lost(connection)

    def _hear(self, connection: _Connection, frame: Frame) -> None:
        if frame.type == "status":
            with self._wake:
                connection.name = str(frame.head.get("name", "worker"))
                connection.ready = frame.head.get("state") == "ready"
                if connection.ready:
                    self._trouble = ""
                elif frame.head.get("state") == "failed":
                    self._trouble = str(frame.head.get("reason", ""))[:500]
                self._wake.notify_all()
        elif frame.type == "result":
            self._delivered_by(connection, frame)
        elif frame.type == "tried":
            self._tried(connection, frame)
        elif frame.type == "failure":
            self._failed(connection, frame)
        elif frame.type in {"redacted", "reworked"}:
            self._redacted(connection, frame)
        elif frame.type == "bye":
            self._leaves(connection)

    def _delivered_by(self, connection: _Connection, frame: Frame) -> None:
        key = SlotKey(str(frame.head["segment"]), int(frame.head["slot"]))
        tables = dict(zip(frame.head["tables"], map(_table, frame.pieces), strict=True))
        with self._wake:
            slot = self._open_slot(key)
            if not connection.done(key) or slot is None or slot.state is not State.HANDED_OUT:
                return
            slot.state = State.DELIVERED
            self._delivered.add(key)
            self._delivered_bytes += slot.head.payload_bytes
            head, set_aside = slot.head, slot.set_aside
            self._wake.notify_all()
        withheld = int(frame.head["withheld"])
        if withheld:
            self._keep_original(key, "Redaction failed; its texts were withheld.")
        delivery = Delivery(
            key=key,
            signal=head.signal.word,
            project=head.project,
            received_ns=head.received_ns,
            items=head.items - (set_aside.items if set_aside else 0),
            tables=tables,
            traces=tuple(TraceId(t) for t in frame.head["traces"]),
            withheld=withheld,
            set_aside=set_aside,
            work_s=float(frame.head.get("work_s", 0.0)),
        )
        try:
            self._on_delivery(delivery)
        except Exception as error:  # noqa: BLE001 the record stays ours until it is confirmed
            logger.error("a delivery was not taken", extra={"trouble": described(error)})  # noqa: TRY400
            with self._wake:
                self._give_back(key, pause_s=RETRY_PAUSE_S)

    def _failed(self, connection: _Connection, frame: Frame) -> None:
        key = SlotKey(str(frame.head["segment"]), int(frame.head["slot"]))
        kind = "".join(c for c in str(frame.head.get("reason", "")) if c.isalnum())[:60]
        with self._wake:
            slot = self._open_slot(key)
            if not connection.done(key) or slot is None or slot.state is not State.HANDED_OUT:
                return
            slot.retries += slot.trial is not None
            tries = slot.attempts if slot.trial is None else slot.retries
            if tries < MAX_ATTEMPTS:
                self._give_back(key, pause_s=RETRY_PAUSE_S * tries)
            self._wake.notify_all()
        if tries >= MAX_ATTEMPTS:
            self._surely(lambda: self._isolate(slot, FAILED.format(kind=kind, tries=tries)))

    def _tried(self, connection: _Connection, frame: Frame) -> None:
        """One part of a record that is being taken apart could be processed, or could not."""
        key = SlotKey(str(frame.head["segment"]), int(frame.head["slot"]))
        with self._wake:
            slot = self._open_slot(key)
            held = any(key in bundle for bundle in connection.bundles)
            if not held or slot is None or slot.trial is None or slot.trial.is_over:
                return
            if frame.head["good"]:
                slot.trial.passed()
            else:
                slot.trial.failed()
            if not frame.head["last"]:
                return
            connection.done(key)
            if not slot.trial.is_over:
                slot.state, slot.charged = State.WAITING, True
            self._wake.notify_all()
        self._surely(lambda: self._judge(slot))

    def _redacted(self, connection: _Connection, frame: Frame) -> None:
        rework = connection.reworks.get(int(frame.head["id"]))
        if rework is not None and not rework.done():
            rework.set_result(frame)
        answer = connection.redactions.get(int(frame.head["id"]))
        if answer is None or answer.done():
            return
        if frame.head.get("failed"):
            answer.set_exception(BusyError("The text could not be redacted; try another."))
        else:
            answer.set_result(str(frame.head["text"]))

    def _leaves(self, connection: _Connection) -> None:
        """A worker that leaves on purpose has finished what it began; what it had not begun costs no new attempt."""
        with self._wake:
            connection.leaving = True
            for key in [key for bundle in connection.bundles for key in bundle]:
                slot = self._open_slot(key)
                if slot is not None and slot.state is State.HANDED_OUT:
                    slot.state, slot.charged = State.WAITING, True
            connection.bundles.clear()
            self._wake.notify_all()

    def _lost(self, connection: _Connection) -> None:
        with self._wake:
            if connection in self._connections:
                self._connections.remove(connection)
            tried = []
            for key in [key for bundle in connection.bundles for key in bundle]:
                slot = self._open_slot(key)
                if slot is not None and slot.trial is not None and slot.state is State.HANDED_OUT:
                    slot.retries += slot.trial.is_over
                    slot.trial.died()
                    tried.append(slot)
                    slot.charged = not slot.trial.is_over
                    if slot.trial.is_over and slot.set_aside is None:
                        continue  # not to be handed out before it is judged
                self._give_back(key)
            connection.bundles.clear()
            for rework in list(connection.reworks.values()):
                if not rework.done():
                    rework.set_exception(HandoffError("The worker left."))
            for answer in list(connection.redactions.values()):
                if not answer.done():
                    answer.set_exception(BusyError("The text could not be redacted; try again."))
            self._wake.notify_all()
        for slot in tried:
            self._surely(lambda s=slot: self._judge(s))  # type: ignore[misc]

    def _give_back(self, key: SlotKey, pause_s: float = 0.0) -> None:
        slot = self._open_slot(key)
        if slot is not None:
            slot.state = State.WAITING
            slot.not_before = time.monotonic() + pause_s
        if key in self._delivered:
            self._delivered.remove(key)
            self._delivered_bytes -= slot.head.payload_bytes if slot else 0

    def _forget(self, key: SlotKey) -> None:
        slot = self._backlog.settle(key.segment, key.slot) if self._backlog else None
        if key in self._delivered:
            self._delivered.remove(key)
            self._delivered_bytes -= slot.head.payload_bytes if slot else 0

    def _open_slot(self, key: SlotKey) -> OpenSlot | None:
        return self._backlog.find(key.segment, key.slot) if self._backlog else None

    def _look(self) -> int:
        return self._backlog.look() if self._backlog else 0

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            busy = False
            try:
                with self._wake:
                    busy = self._look() > 0
                self._do_again()
                busy = self._hand_out() or busy
                with self._wake:
                    if self._backlog is not None and not self._stopping.is_set():
                        self._backlog.remove_done()
            except Exception as error:  # noqa: BLE001 the loop must survive a full disk and a busy ledger
                logger.error("handing out failed; trying again", extra={"trouble": described(error)})  # noqa: TRY400
                time.sleep(RETRY_PAUSE_S)
            with self._wake:
                if not self._stopping.is_set():
                    self._wake.wait(LOOK_BUSY_S if busy else LOOK_IDLE_S)

    def _hand_out(self) -> bool:
        """Fill the free places of every ready worker; True when something was handed out."""
        with self._wake:
            plan = self._plan()
            fresh = [SlotKey(s.segment, s.head.slot) for _, slots in plan for s in slots if not s.charged]
        if not plan:
            return False
        try:
            counts = self._slots.attempt(fresh) if fresh else {}
        except Exception:
            self._take_back(plan)
            raise
        poisoned: list[OpenSlot] = []
        for connection, slots in plan:
            with self._wake:
                go, bad = self._sort_out(connection, slots, counts)
                poisoned += bad
            try:
                for slot in go:
                    self._send(connection, slot)
            except HandoffError:
                connection.drop()  # its reading thread notices and gives everything back
        for slot in poisoned:
            self._surely(lambda s=slot: self._isolate(s, DIED.format(tries=MAX_ATTEMPTS)))  # type: ignore[misc]
        return True

    def _take_back(self, plan: Sequence[tuple[_Connection, list[OpenSlot]]]) -> None:
        """Nothing of a plan was sent: its places and its slots are free again."""
        with self._wake:
            for connection, slots in plan:
                for slot in slots:
                    connection.done(SlotKey(slot.segment, slot.head.slot))
                    if slot.state is State.HANDED_OUT:
                        slot.state = State.WAITING

    def _plan(self) -> list[tuple[_Connection, list[OpenSlot]]]:
        """Which slots go to which worker; they are marked as handed out at once, so that nobody takes them twice."""
        if self._backlog is None or self._stopping.is_set():
            return []
        room = IN_FLIGHT - 1
        free = [c for c in self._connections if c.ready and not c.leaving and len(c.bundles) <= room]
        free.sort(key=lambda c: len(c.bundles))
        waiting = self._backlog.waiting(time.monotonic()) if free else iter(())
        plan: list[tuple[_Connection, list[OpenSlot]]] = []
        ahead: OpenSlot | None = None
        for connection in free:
            slots: list[OpenSlot] = []
            size = items = 0
            while len(slots) < BUNDLE_RECORDS:
                slot = ahead or next(waiting, None)
                ahead = None
                if slot is None or self._is_store_behind(slot):
                    break
                suspect = slot.attempts > 0 or slot.trial is not None
                alone = suspect and (slots or connection.bundles)
                full = slots and (
                    size + slot.head.payload_bytes > BUNDLE_BYTES or items + slot.head.items > BUNDLE_ITEMS
                )
                if alone or full:
                    ahead = slot
                    break
                slot.state = State.HANDED_OUT
                slots.append(slot)
                size += slot.head.payload_bytes
                items += slot.head.items
                if suspect:
                    break
            if slots:
                connection.bundles.append({SlotKey(s.segment, s.head.slot) for s in slots})
                plan.append((connection, slots))
        return plan

    def _is_store_behind(self, slot: OpenSlot) -> bool:
        if len(self._delivered) >= DELIVERED_MAX:
            return True
        return bool(self._delivered) and self._delivered_bytes + slot.head.payload_bytes > DELIVERED_BYTES_MAX

    def _sort_out(
        self, connection: _Connection, slots: Sequence[OpenSlot], counts: Mapping[SlotKey, int]
    ) -> tuple[list[OpenSlot], list[OpenSlot]]:
        """After the attempts are counted: what really goes, and what has been tried too often.

        A record that was tried before goes alone, so that it takes no other down with it. After a restart of main
        that is known only now: such records wait, their attempt paid.
        """
        go: list[OpenSlot] = []
        bad: list[OpenSlot] = []
        for slot in slots:
            key = SlotKey(slot.segment, slot.head.slot)
            slot.attempts = counts.get(key, slot.attempts)
            slot.charged = False
            if slot.attempts > MAX_ATTEMPTS and (slot.trial is None or slot.retries >= MAX_ATTEMPTS):
                bad.append(slot)
                connection.done(key)
            elif slot.attempts > 1 and len(slots) > 1:
                slot.state, slot.charged = State.WAITING, True
                connection.done(key)
            else:
                go.append(slot)
        return go, bad

    def _send(self, connection: _Connection, slot: OpenSlot) -> None:
        try:
            with self._wake:
                if self._backlog is None or self._ring is None:
                    return
                data_key = self._data_key(slot.segment)
        except UnsealError:
            with self._wake:
                connection.done(SlotKey(slot.segment, slot.head.slot))
            self._surely(lambda: self._quarantine(slot, DAMAGED))
            return
        head, trial = slot.head, slot.trial
        more: dict[str, Any] = {}
        if trial is not None and not trial.is_over:
            more["try"] = trial.todo[:]
        elif trial is not None and trial.bad:
            more["without"] = sorted(trial.bad)
        connection.send(
            {
                **more,
                "type": "work",
                "segment": slot.segment,
                "slot": head.slot,
                "signal": int(head.signal),
                "items": head.items,
                "project": head.project,
                "received_ns": head.received_ns,
                "payload_bytes": head.payload_bytes,
                "spans_before": head.spans_before,
                "logs_before": head.logs_before,
                "version": head.version,
                "offset": slot.ref.offset,
                "head_bytes": slot.ref.head_bytes,
                "data_key": base64.b64encode(data_key).decode(),
            }
        )

    def _data_key(self, segment: str) -> bytes:
        if self._backlog is None or self._ring is None:
            raise UnsealError("The broker is stopped.")
        try:
            return self._backlog.data_key(segment, self._ring)
        except UnsealError:
            self._ring = load_key_ring(self._settings.keys)  # the keys may have been rotated since
            return self._backlog.data_key(segment, self._ring)

    def _read(self, slot: OpenSlot) -> Payload:
        with self._wake:
            data_key = self._data_key(slot.segment)
            if self._backlog is None:
                raise UnsealError("The broker is stopped.")
            return self._backlog.reader(slot.segment).read(slot.ref, data_key)

    def _surely(self, work: Callable[[], None]) -> None:
        """Do what must be done for a slot that nobody holds; when the disk or the ledger is full, again a little later."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 a slot nobody looks after any more would stay pending for ever
            logger.error("setting aside failed; trying again", extra={"trouble": described(error)})  # noqa: TRY400
            with self._wake:
                self._again.append((time.monotonic() + AGAIN_S, work))

    def _do_again(self) -> None:
        with self._wake:
            now = time.monotonic()
            due = [work for at, work in self._again if at <= now]
            self._again = [(at, work) for at, work in self._again if at > now]
        for work in due:
            self._surely(work)

    def _isolate(self, slot: OpenSlot, reason: str) -> None:
        """The record cannot be processed as a whole: look for the items that are to blame."""
        given_up = slot.trial is not None or slot.attempts > MAX_ATTEMPTS + RESTARTS_MAX
        if slot.head.items < 2 or given_up:
            self._quarantine(slot, reason)
            return
        logger.warning("a record is taken apart", extra={"segment": slot.segment, "slot": slot.head.slot})
        with self._wake:
            slot.trial, slot.reason = Trial(slot.head.items), reason
            slot.state, slot.charged = State.WAITING, True
            self._wake.notify_all()

    def _judge(self, slot: OpenSlot) -> None:
        """When the trial is over: set the bad items aside, and let the rest be stored."""
        trial = slot.trial
        if trial is None or not trial.is_over or slot.set_aside is not None:
            return
        if len(trial.bad) >= slot.head.items:
            self._quarantine(slot, slot.reason)
            return
        if trial.bad:
            try:
                payload = pick(self._read(slot), trial.bad)
            except (UnsealError, SpoolError):
                self._quarantine(slot, DAMAGED)
                return
            head = dataclasses.replace(slot.head, items=len(trial.bad))
            kept = self.quarantine.put(slot.segment, head, payload, slot.reason, load_seal_key(self._settings.keys))
            logger.error("items were quarantined", extra={"segment": slot.segment, "items": kept.items})
            if self._on_quarantine is not None:
                self._on_quarantine(kept)
        with self._wake:
            slot.set_aside = Quarantine.row(kept) if trial.bad else None
            slot.attempts, slot.charged, slot.state = 1, True, State.WAITING  # what is left is tried afresh
            self._wake.notify_all()

    def _quarantine(self, slot: OpenSlot, reason: str) -> None:
        """Seal the record anew, settle it as quarantined, take it off the backlog. In this order: nothing is lost."""
        kept: SetAside | None = None
        head = slot.head
        try:
            payload = self._read(slot)
        except (UnsealError, SpoolError):
            reason = DAMAGED
            row = SettledSlot(name_of(slot.segment, head), 0, head.signal.word, "quarantined", head.items)
            row = dataclasses.replace(row, reason=reason, received_ns=head.received_ns)
        else:
            kept = self.quarantine.put(slot.segment, head, payload, reason, load_seal_key(self._settings.keys))
            row = Quarantine.row(kept)
        with self._accounting:
            self._slots.settle([row, Quarantine.origin_row(slot.segment, head)])
            with self._wake:
                self._forget(SlotKey(slot.segment, head.slot))
                self._wake.notify_all()
        logger.error("a record was quarantined", extra={"segment": slot.segment, "slot": head.slot, "reason": reason})
        if kept is not None and self._on_quarantine is not None:
            self._on_quarantine(kept)

    def _keep_original(self, key: SlotKey, reason: str) -> None:
        """Texts were withheld: their sealed original waits beside the spool until it is redacted again or expires."""
        slot = self._open_slot(key)
        if slot is None:
            return
        try:
            self.withheld.put(slot.segment, slot.head, self._read(slot), reason, load_seal_key(self._settings.keys))
        except (UnsealError, SpoolError, OSError) as error:
            logger.error("a withheld original could not be kept", extra={"trouble": described(error)})  # noqa: TRY400


def _table(piece: bytes) -> pa.Table:
    with pa.ipc.open_stream(pa.py_buffer(piece)) as reader:
        return reader.read_all()


def _settled_items(totals: SlotTotals | None) -> int:
    if totals is None:
        return 0
    return totals.stored + totals.quarantined + totals.dropped_by_person + totals.expired
