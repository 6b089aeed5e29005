"""One way in for both transports: budget, verdict, spool; a request is answered when its items are durable."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from collector.accept import Accepted, accept, bounds_check_items
from collector.answers import RefusalError, Trouble
from collector.bounds import MIB, Bounds
from collector.credentials import Gate
from collector.otlp_json import transcode
from collector.signals import LOGS, METRICS, TRACES, OtlpSignal
from collector.spool.format import PROJECT_MAX_BYTES, Signal
from collector.spool.writer import SpoolWriter
from collector.tally import Tally
from spans.errors import BusyError

ANSWER_WITHIN_S = 4.0
"""From the arrival of a whole request on; then the sender is told to come back: a slow answer is as bad as none
(measured: 10 s lose the batch)."""
JSON_AT_ONCE = 2
"""Large JSON bodies being transcoded at a time; each costs many times its size."""
JSON_LARGE_BYTES = MIB
JUDGED_WITHIN_S = 1.0
JUDGED_AT_ONCE = 4
"""Requests being parsed at a time: parsing needs the processor, so more at once would only cost memory."""
_RECORDS = {TRACES.word: Signal.SPANS, LOGS.word: Signal.LOGS}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a request is answered, whatever happens."""

    at: float = field(default_factory=lambda: time.monotonic() + ANSWER_WITHIN_S)

    def left_s(self) -> float:
        """Seconds that are left; never negative."""
        return max(0.0, self.at - time.monotonic())

    def check(self) -> None:
        """Go on only in time: a request that waited too long is not begun, because its sender has been told to come back.

        Raises:
            RefusalError: it is over.
        """
        if not self.left_s():
            raise RefusalError(Trouble.BUSY, "The receiver is busy; send again in a second.")


@dataclass(frozen=True, slots=True)
class Admission:
    """A request under way: its verdict, and the future of its durability (None when nothing has to be kept)."""

    accepted: Accepted
    durable: Future[None] | None


class Budget:
    """Bytes held by all requests under way."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Hold more bytes.

        Raises:
            RefusalError: too many are held.
        """
        with self._lock:
            if self._held and self._held + size > self._limit:
                raise RefusalError(Trouble.BUSY, "The receiver is busy; send again in a second.")
            self._held += size

    def give_back(self, size: int) -> None:
        """Release bytes."""
        with self._lock:
            self._held -= size


class Door:
    """What the transports share."""

    def __init__(self, gate: Gate, spool: SpoolWriter, tally: Tally, bounds: Bounds, budget_bytes: int) -> None:
        self.gate = gate
        self.tally = tally
        self.bounds = bounds
        self.budget = Budget(budget_bytes)
        self._spool = spool
        self._json = threading.Semaphore(JSON_AT_ONCE)
        self._judging = threading.Semaphore(JUDGED_AT_ONCE)
        self._draining = threading.Event()

    def stop(self) -> None:
        """From now on everything is told to come back."""
        self._draining.set()

    def is_ready(self) -> bool:
        """Whether a request would be taken now."""
        return not self._draining.is_set() and not self._spool.refusal() and self._spool.has_key()

    def admit(
        self, raw: bytes, signal: OtlpSignal, project: str, *, is_json: bool, deadline: Deadline | None = None
    ) -> Admission:
        """Judge a request and hand what can be kept to the spool. Does not wait for the disk.

        Raises:
            RefusalError: nothing of it is kept.
            BusyError: the spool cannot take it now.
        """
        if self._draining.is_set():
            raise RefusalError(Trouble.BUSY, "The receiver is stopping; send again in a second.")
        if len(raw) > self.bounds.body_bytes:
            raise RefusalError(
                Trouble.TOO_LARGE, f"A request may have {self.bounds.body_bytes // MIB} MiB; send smaller batches."
            )
        deadline = deadline or Deadline()
        deadline.check()
        if signal is not METRICS and (refusal := self._spool.refusal()):
            raise BusyError(refusal)  # before anything is parsed for nothing
        # Judged too late, it is kept all the same: sent again it is a repeat, and a slow machine still takes large batches.
        accepted = self._judge(raw, signal, deadline, is_json=is_json)
        if not accepted.items or signal is METRICS:
            return Admission(accepted, None)
        name = (
            project
            if len(project.encode()) <= PROJECT_MAX_BYTES
            else project.encode()[:PROJECT_MAX_BYTES].decode("utf-8", "ignore")
        )
        return Admission(accepted, self._spool.offer(_RECORDS[signal.word], name, accepted.items, accepted.payload))

    def count(self, raw: bytes, signal: OtlpSignal, *, is_json: bool) -> int:
        """How many items a request that is refused holds, as far as its envelope can be read."""
        if is_json:
            return 0
        with contextlib.suppress(Exception):
            return bounds_check_items(raw, signal, self.bounds)
        return 0

    def _judge(self, raw: bytes, signal: OtlpSignal, deadline: Deadline, *, is_json: bool) -> Accepted:
        if not self._judging.acquire(timeout=min(JUDGED_WITHIN_S, deadline.left_s())):
            raise RefusalError(Trouble.BUSY, "The receiver is busy; send again in a second.")
        try:
            if not is_json:
                return accept(raw, signal, self.bounds)
            with self._one_of_few(len(raw)):
                made = transcode(raw, signal, self.bounds)
            return accept(
                made.raw, signal, self.bounds, marks=made.marks, already=made.rejected, warnings=made.warnings
            )
        finally:
            self._judging.release()

    @contextlib.contextmanager
    def _one_of_few(self, size: int) -> Iterator[None]:
        if size < JSON_LARGE_BYTES:
            yield
            return
        if not self._json.acquire(timeout=1.0):
            raise RefusalError(Trouble.BUSY, "The receiver is busy with large JSON bodies; send again in a second.")
        try:
            yield
        finally:
            self._json.release()
