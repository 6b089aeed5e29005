"""Seals runs once they are quiet: a thread that looks every few seconds and never takes more than its share."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from replay.checking import seal_runs
from replay.reading import traces_of
from spans.errors import BusyError
from spans.ids import RunId, TraceId
from spans.run import Assembly
from store.api import Store
from store.ledger import Ledger

logger = logging.getLogger(__name__)

QUIET_S = 60.0
"""A run is sealed when nothing of it has arrived for this long; what comes later is an addendum."""
EVERY_S = 5.0
SHARE = 4.0
"""A round that took t seconds is followed by a pause of at least 4 t: at most a fifth of a core."""
BATCH = 100
"""Traces that are looked at together."""
SPANS = 1_000
"""About as many steps are read with their content at once."""
WATERMARK = "sealed_until_ns"
PATIENCE_NS = 3_600_000_000_000
"""How long an unassembled trace is waited for."""
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
        self._done: set[tuple[str, TraceId, int]] = set()
        """Project, trace and newest evidence of what the last rounds sealed: no further look unless more arrives."""
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
        newest = self._store.newest_by_trace(since)
        self._done = {key for key in self._done if newest.get(key[:2]) == key[2]}
        busy = [at for at in newest.values() if now - at < self._quiet_ns]
        waiting: dict[str, list[TraceId]] = defaultdict(list)
        for (project, trace), at in sorted(newest.items()):
            if now - at >= self._quiet_ns and (project, trace, at) not in self._done:
                waiting[project].append(trace)
        written = 0
        for project, traces in waiting.items():
            for start in range(0, len(traces), BATCH):
                some = {trace: newest[project, trace] for trace in traces[start : start + BATCH]}
                found = self._assemblies(project, list(some))
                for batch in _in_batches(self._unsealed(project, found, now)):
                    if self._stop.is_set():
                        return written
                    written += self._seal(project, batch, now)
                busy += self._note(project, some, found, now)
        until = min([now - self._quiet_ns, *busy]) - _OVERLAP_NS
        if until > since:
            self._ledger.settings.put(WATERMARK, until)
        return written

    def _note(self, project: str, traces: Mapping[TraceId, int], found: Sequence[Assembly], now: int) -> list[int]:
        """Which of these traces need no further look; returns the times the watermark must not pass."""
        shown = {trace: a.run.last_received_ns for a in found for trace in traces_of(a.run, a.steps)}
        busy = []
        for trace, at in traces.items():
            last_ns = shown.get(trace)
            if last_ns is None:  # not assembled yet; one that cannot be assembled must not hold the rest for ever
                busy += [at] if now - at < PATIENCE_NS else []
            elif now - last_ns < self._quiet_ns:
                busy.append(last_ns)
            elif last_ns >= at:
                self._done.add((project, trace, at))
        return busy

    def _assemblies(self, project: str, traces: list[TraceId]) -> tuple[Assembly, ...]:
        """The runs that show these traces."""
        own = self._store.read_assemblies(project, [RunId(trace) for trace in traces])
        shown = {trace for a in own for trace in traces_of(a.run, a.steps)}
        others = {run.run_id for t in traces if t not in shown and (run := self._store.read_run(project, t))}
        return own + self._store.read_assemblies(project, sorted(others - {a.run.run_id for a in own}))

    def _unsealed(self, project: str, found: Sequence[Assembly], now: int) -> list[Assembly]:
        sealed = self._ledger.seals.sealed_until(project, [a.run.run_id for a in found])
        return [
            a
            for a in found
            if now - a.run.last_received_ns >= self._quiet_ns and sealed.get(a.run.run_id, -1) < a.run.last_received_ns
        ]

    def _seal(self, project: str, assemblies: list[Assembly], now: int) -> int:
        try:
            return seal_runs(self._store, self._ledger, project, assemblies, sealed_ns=now)
        except BusyError:
            if len(assemblies) == 1:
                raise
            return sum(self._seal(project, [assembly], now) for assembly in assemblies)

    def _loop(self) -> None:
        pause = EVERY_S
        while not self._stop.wait(pause):
            started = time.monotonic()
            try:
                self.seal_quiet()
            except Exception:
                logger.exception("sealing failed; trying again")
            pause = max(EVERY_S, SHARE * (time.monotonic() - started))


def _in_batches(assemblies: Sequence[Assembly]) -> Iterator[list[Assembly]]:
    """As many runs as have about SPANS steps."""
    batch: list[Assembly] = []
    spans = 0
    for assembly in assemblies:
        if batch and spans + len(assembly.steps) > SPANS:
            yield batch
            batch, spans = [], 0
        batch.append(assembly)
        spans += len(assembly.steps)
    if batch:
        yield batch
