"""Seals runs once they are quiet: a thread that looks every few seconds and never takes more than its share."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from replay.checking import seal_run
from spans.ids import RunId, TraceId
from store.api import Store
from store.ledger import Ledger

logger = logging.getLogger(__name__)

QUIET_S = 60.0
"""A run is sealed when nothing of it has arrived for this long; what comes later is an addendum."""
EVERY_S = 5.0
SHARE = 4.0
"""A round that took t seconds is followed by a pause of at least 4 t: at most a fifth of a core."""
BATCH = 200
WATERMARK = "sealed_until_ns"
_OVERLAP_NS = 120_000_000_000
"""Looked at again each round, for what was stored a little after its turn."""


class Sealer:
    """Owns the thread. `stop` works before `start`, and twice."""

    def __init__(
        self, store: Store, ledger: Ledger, *, quiet_s: float = QUIET_S, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._quiet_ns = int(quiet_s * 1e9)
        self._clock_ns = clock_ns
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sealer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after the run in hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def seal_quiet(self) -> int:
        """One round: seal every run that fell quiet since the last; returns how many chapters were written."""
        now = self._clock_ns()
        since = int(str(self._ledger.settings.get(WATERMARK, 0)))
        by_project: dict[str, list[RunId]] = defaultdict(list)
        for project, trace in self._store.recent_traces(None, since):
            by_project[project].append(RunId(trace))
        written = 0
        busy_ns: list[int] = []
        for project, run_ids in by_project.items():
            sealed = self._ledger.seals.sealed_until(project, run_ids)
            for run_id in run_ids:
                if self._stop.is_set():
                    return written
                run = self._store.read_run(project, TraceId(run_id))
                if run is None or run.run_id != run_id:
                    continue
                if now - run.last_received_ns < self._quiet_ns:
                    busy_ns.append(run.last_received_ns)
                elif sealed.get(run_id, -1) < run.last_received_ns:
                    written += seal_run(self._store, self._ledger, run, sealed_ns=now)
        until = min([now - self._quiet_ns, *busy_ns]) - _OVERLAP_NS
        if until > since:
            self._ledger.settings.put(WATERMARK, until)
        return written

    def _loop(self) -> None:
        pause = EVERY_S
        while not self._stop.wait(pause):
            started = time.monotonic()
            try:
                self.seal_quiet()
            except Exception:
                logger.exception("sealing failed; trying again")
            pause = max(EVERY_S, SHARE * (time.monotonic() - started))
