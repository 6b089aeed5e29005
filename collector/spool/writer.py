"""Group commit: gathers offered records, seals and appends them, syncs once, and only then lets anyone be answered."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.spool.format import (
    MARK_SUFFIX,
    SUFFIX,
    TAG_BYTES,
    FrameKind,
    Payload,
    RecordHead,
    Signal,
    encode_mark,
    new_header,
    seal_record,
)
from collector.spool.io import DiskIO, SpoolIO
from collector.spool.keys import DATA_KEY_BYTES, SealKey
from spans.errors import BusyError, HouseError

logger = logging.getLogger(__name__)

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Sizes and times of the spool."""

    segment_bytes: int = 16 * MIB
    """A segment is closed when it has grown beyond this."""
    segment_age_s: float = 60.0
    """And when it is this old, so that its key can be destroyed soon after its records are stored."""
    group_bytes: int = 8 * MIB
    """At most this much waits for one fdatasync (a single larger record still fits)."""
    queue_bytes: int = 128 * MIB
    """Offered and not yet durable; more is refused, because an answer within seconds is worth more than a queue."""
    capacity_bytes: int = 20 * 1024 * MIB
    """All segments together; more is refused until the store has caught up."""
    reserve_bytes: int = 64 * MIB
    """Free space left on the volume for the ledger and for removing segments."""
    space_check_s: float = 0.5
    hung_after_s: float = 2.0
    """A write that takes longer makes us refuse at once: what would queue behind it could not be answered in time."""


@dataclass(frozen=True, slots=True)
class SpoolFigures:
    """What the writer did since it started."""

    records: int = 0
    groups: int = 0
    bytes: int = 0
    failures: int = 0
    last_sync_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Offer:
    signal: Signal
    project: str
    items: int
    payload: bytes
    done: Future[None]


@dataclass(slots=True)
class _Open:
    """The segment being written."""

    segment: str
    path: Path
    fd: int
    mark_fd: int
    cipher: AESGCM
    length: int
    opened: float
    next_slot: int = 0
    spans: int = 0
    logs: int = 0


class SpoolWriter:
    """Appends to the spool from one thread. `offer` may be called from any."""

    def __init__(
        self,
        folder: Path,
        seal: Callable[[], SealKey],
        settings: SpoolSettings | None = None,
        io: SpoolIO | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder = folder
        self._seal = seal
        self._settings = settings or SpoolSettings()
        self._io: SpoolIO = io or DiskIO()
        self._clock_ns = clock_ns
        self._wake = threading.Condition()
        self._queue: deque[_Offer] = deque()
        self._queued_bytes = 0
        self._closing = False
        self._open: _Open | None = None
        self._figures = SpoolFigures()
        self._space_checked = float("-inf")
        self._space_refusal = ""
        self._writing_since = float("inf")
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    @property
    def figures(self) -> SpoolFigures:
        """Counts for the status file."""
        return self._figures

    def is_alive(self) -> bool:
        """Whether records are still being committed."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to commit."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread.start()

    def offer(self, signal: Signal, project: str, items: int, payload: Payload) -> Future[None]:
        """Ask for a record to be made durable; the future is done when it is, or holds a BusyError.

        Cancelling the future withdraws a record that has not been begun.

        Raises:
            BusyError: the queue or the volume is full, or the receiver is stopping.
        """
        encoded = payload.encode()
        refusal = self.refusal()
        if refusal:
            raise BusyError(refusal)
        offer = _Offer(signal, project, items, encoded, Future())
        with self._wake:
            if self._closing:
                raise BusyError("The receiver is stopping; send again in a second.")
            if self._queue and self._queued_bytes + len(encoded) > self._settings.queue_bytes:
                raise BusyError("The receiver is busy; send again in a second.")
            self._queue.append(offer)
            self._queued_bytes += len(encoded)
            self._wake.notify()
        return offer.done

    def refusal(self) -> str:
        """Why nothing can be accepted at the moment; empty when something can."""
        now = time.monotonic()
        if now - self._writing_since > self._settings.hung_after_s:
            return "The spool's disk does not answer; send again in a second."
        if now - self._space_checked >= self._settings.space_check_s:
            self._space_checked = now
            self._space_refusal = self._look_at_space()
        return self._space_refusal

    def has_key(self) -> bool:
        """Whether the public key can be read, without which the next segment cannot begin."""
        try:
            self._seal()
        except (HouseError, OSError, ValueError):
            return False
        return True

    def close(self, timeout_s: float) -> None:
        """Commit what was offered, close the segment, stop. Safe to call twice and before `start`."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _look_at_space(self) -> str:
        try:
            if self._io.free_bytes(self._folder) < self._settings.reserve_bytes:
                return "The spool's volume is full; send again when the operator has freed space."
            names = [name for name in self._io.names(self._folder) if name.endswith(SUFFIX)]
            used = sum(self._io.length(self._folder / name) for name in names)
        except OSError:
            logger.exception("the spool folder cannot be read")
            return "The spool cannot be written at the moment; send again in a second."
        if used > self._settings.capacity_bytes:
            return "The spool holds as much as it may; send again when the store has caught up."
        return ""

    def _run(self) -> None:
        while True:
            group = self._gather()
            if group:
                self._writing_since = time.monotonic()
                self._commit(group)
                self._writing_since = float("inf")
            elif self._closing:
                self._close_segment()
                return
            if self._open and self._is_due(self._open):
                self._close_segment()

    def _gather(self) -> list[_Offer]:
        with self._wake:
            if not self._queue and not self._closing:
                self._wake.wait(self._patience_s())
            group: list[_Offer] = []
            size = 0
            while self._queue and (not group or size + len(self._queue[0].payload) <= self._settings.group_bytes):
                offer = self._queue.popleft()
                self._queued_bytes -= len(offer.payload)
                # Its sender may have been told to come back meanwhile. From here on it can no longer be withdrawn.
                if offer.done.set_running_or_notify_cancel():
                    size += len(offer.payload)
                    group.append(offer)
            return group

    def _patience_s(self) -> float | None:
        if self._open is None:
            return None
        return max(0.01, self._open.opened + self._settings.segment_age_s - time.monotonic())

    def _is_due(self, segment: _Open) -> bool:
        return (
            segment.length >= self._settings.segment_bytes
            or time.monotonic() - segment.opened >= self._settings.segment_age_s
        )

    def _commit(self, group: list[_Offer]) -> None:
        try:
            segment = self._open or self._create()
            self._open = segment
            parts: list[bytes] = []
            received_ns = self._clock_ns()
            spans, logs = segment.spans, segment.logs
            for at, offer in enumerate(group):
                slot = segment.next_slot + at
                size = len(offer.payload) + TAG_BYTES
                head = RecordHead(
                    slot, offer.signal, offer.items, offer.project, received_ns, size, FrameKind.RECORD, spans, logs
                )
                parts += seal_record(segment.cipher, segment.segment, head, offer.payload)
                spans += offer.items * (offer.signal is Signal.SPANS)
                logs += offer.items * (offer.signal is Signal.LOGS)
            started = time.monotonic()
            wrote = self._io.append(segment.fd, parts)
            self._io.fdatasync(segment.fd)
        except Exception as error:  # noqa: BLE001 whatever went wrong, nobody may be told "accepted"
            self._give_up(error)
            self._answer(group, BusyError("The spool could not be written; send again in a second."))
            return
        segment.next_slot += len(group)
        segment.spans, segment.logs = spans, logs
        segment.length += wrote
        figures = self._figures
        self._figures = SpoolFigures(
            records=figures.records + len(group),
            groups=figures.groups + 1,
            bytes=figures.bytes + wrote,
            failures=figures.failures,
            last_sync_s=time.monotonic() - started,
        )
        self._mark(segment)
        self._answer(group, None)

    def _create(self) -> _Open:
        """A new segment with a key of its own, durable down to its name."""
        created_ns = self._clock_ns()
        name = f"{created_ns:016x}-{secrets.token_hex(4)}"
        path = self._folder / f"{name}{SUFFIX}"
        data_key = os.urandom(DATA_KEY_BYTES)
        header = new_header(name, created_ns, self._seal(), data_key).encode()
        fresh = self._folder / f"{name}.new"
        fd = self._io.create(fresh)
        try:
            self._io.lock(fd)  # nobody else knows the file yet
            self._io.append(fd, [header])
            self._io.fdatasync(fd)
            mark_fd = self._io.create(self._folder / f"{name}{MARK_SUFFIX}")
            self._io.rename(fresh, path)
            self._io.fsync_folder(self._folder)
        except BaseException:
            self._io.close(fd)
            with contextlib.suppress(OSError):
                self._io.unlink(fresh)
            raise
        opened = _Open(name, path, fd, mark_fd, AESGCM(data_key), len(header), time.monotonic())
        self._mark(opened)
        return opened

    def _mark(self, segment: _Open) -> None:
        """Tell readers how far they may read. Only a hint: it is never synced, and no answer depends on it."""
        with contextlib.suppress(OSError):
            self._io.write_at(segment.mark_fd, encode_mark(segment.length), 0)

    def _close_segment(self) -> None:
        segment, self._open = self._open, None
        if segment is None:
            return
        try:
            head = RecordHead(
                segment.next_slot,
                Signal.SPANS,
                0,
                "",
                self._clock_ns(),
                TAG_BYTES,
                FrameKind.END,
                segment.spans,
                segment.logs,
            )
            wrote = self._io.append(segment.fd, seal_record(segment.cipher, segment.segment, head, b""))
            self._io.fdatasync(segment.fd)
            segment.length += wrote
            self._mark(segment)
        except OSError as error:
            logger.warning("a segment could not be closed; readers will find its end", extra={"reason": str(error)})
        self._release(segment)

    def _give_up(self, error: Exception) -> None:
        """Abandon the segment: after a failed write or sync its tail is worth nothing, and is never synced again."""
        figures = self._figures
        self._figures = SpoolFigures(
            figures.records, figures.groups, figures.bytes, figures.failures + 1, figures.last_sync_s
        )
        logger.error("the spool could not be written", extra={"reason": type(error).__name__, "detail": str(error)})
        segment, self._open = self._open, None
        self._space_checked = float("-inf")
        if segment is not None:
            with contextlib.suppress(OSError):
                self._io.truncate(segment.fd, segment.length)  # nobody was told these records were accepted
            self._release(segment)

    def _release(self, segment: _Open) -> None:
        for fd in (segment.fd, segment.mark_fd):
            with contextlib.suppress(OSError):
                self._io.close(fd)

    @staticmethod
    def _answer(group: list[_Offer], error: BusyError | None) -> None:
        for offer in group:
            if error is None:
                offer.done.set_result(None)
            else:
                offer.done.set_exception(error)
