"""Assembles stored runs again after a price or a rule changed, beside the normal flow and never in its way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from spans.errors import BusyError
from spans.ids import TraceId
from store.api import Store
from tracetape.assembler import Assembler

logger = logging.getLogger(__name__)

CHUNK = 64
"""Traces assembled in one go; arrivals wait no longer than that."""
BUSY_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recomputation is; both 0 when none has run."""

    done: int = 0
    total: int = 0

    @property
    def is_running(self) -> bool:
        """Whether runs still wait."""
        return self.done < self.total


class Recompute:
    """One recomputation at a time; a change during it begins it anew. `stop` works before any, and twice."""

    def __init__(self, store: Store, assembler: Assembler, roll_up: Callable[[], object]) -> None:
        self._store = store
        self._assembler = assembler
        self._roll_up = roll_up
        self._lock = threading.Lock()
        self._asked: list[tuple[str | None, Callable[[], None]]] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._progress = Progress()

    def ask(self, project: str | None = None, done: Callable[[], None] = lambda: None) -> None:
        """Recompute every stored run of a project, or of all; returns at once, and calls `done` after the last of them."""
        with self._lock:
            self._asked.append((project, done))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, name="recompute", daemon=True)
                self._thread.start()

    def progress(self) -> Progress:
        """How far the latest one is."""
        return self._progress

    def now(self, project: str | None = None) -> int:
        """Recompute in the caller's thread; how many traces."""
        self._run({project})
        return self._progress.done

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do; whether that came to be."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def stop(self) -> None:
        """Give up what is left; the next change, or `tracetape renormalise`, does it."""
        self._stop.set()
        self.wait(5.0)

    def _loop(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                asked, self._asked = self._asked, []
                if not asked:
                    self._thread = None
                    return
            try:
                if self._run({project for project, _ in asked}):
                    for _, done in asked:
                        done()
            except BusyError as error:
                logger.warning("stored runs cannot be recomputed now; trying again", extra={"reason": str(error)})
                with self._lock:
                    self._asked = [*asked, *self._asked]
                self._stop.wait(BUSY_PAUSE_S)
            except Exception:
                logger.exception("recomputing stored runs failed; `tracetape renormalise` does it again")

    def _run(self, asked: set[str | None]) -> bool:
        """Whether all of it was done: not when it was stopped."""
        projects = [None] if None in asked else sorted(name for name in asked if name is not None)
        traces = [found for project in projects for found in self._store.recent_traces(project, 0)]
        self._progress = Progress(0, len(traces))
        by_project: dict[str, list[TraceId]] = {}
        for project, trace in traces:
            by_project.setdefault(project, []).append(trace)
        for name, listed in by_project.items():
            for start in range(0, len(listed), CHUNK):
                if self._stop.is_set():
                    return False
                self._chunk(name, listed[start : start + CHUNK])
        if self._stop.is_set():
            return False
        self._roll_up()
        return True

    def _chunk(self, project: str, traces: list[TraceId]) -> None:
        started = time.monotonic()
        while True:
            try:
                self._assembler.assemble_now(project, traces)
                break
            except BusyError:
                if self._stop.wait(BUSY_PAUSE_S):
                    return
        self._progress = Progress(self._progress.done + len(traces), self._progress.total)
        self._stop.wait(time.monotonic() - started)
