"""Judges stored runs again after a label, policy, price or rule changed: noted in the ledger first, so that no kill forgets it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from insights.policies import EVERY
from spans.errors import BusyError
from spans.ids import TraceId
from store.api import RunQuery, Store
from store.ledger.owed import Owed, OwedKind, OwedWork
from tracetape.assembler import Assembler
from tracetape.recompute import Recompute

logger = logging.getLogger(__name__)

LOOK_S = 10.0
"""How often the ledger is looked at without being told: what another process noted and could not tell."""
AGAIN_S = 5.0
CHUNK = 64
"""Runs judged in one go; a single run that somebody looks at waits no longer than that."""
MOST_RUNS = 1_000_000
"""Stored runs that a change judges again, the newest."""


def runs_owed(project: str, runs: Iterable[str]) -> list[Owed]:
    """A label, tag or pattern of these runs changed."""
    return [Owed(OwedKind.RUN, project, run) for run in runs]


def rules_owed(project: str | None) -> list[Owed]:
    """A price (None: it is for all projects) or a rule for names changed."""
    return [Owed(OwedKind.RULES, project or "")]


def workflow_owed(project: str, workflow: str) -> list[Owed]:
    """A policy or pattern of a workflow changed, or of all for `*`."""
    return [Owed(OwedKind.WORKFLOW, project, workflow)]


class Owing:
    """A thread of main. `stop` works before `start`, and twice."""

    def __init__(
        self, owed: OwedWork, store: Store, assembler: Assembler, recompute: Recompute, changed: Callable[[], None]
    ) -> None:
        """Build; `changed` makes main read prices and rules anew."""
        self._owed = owed
        self._store = store
        self._assembler = assembler
        self._recompute = recompute
        self._changed = changed
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._asked: set[Owed] = set()
        self._thread = threading.Thread(target=self._loop, name="owing", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier main left."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End after the work in hand; what is left is done by the next main."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def note(self, things: Iterable[Owed]) -> None:
        """Note what is to be done, durably, and do it soon."""
        self._owed.add(things)
        self.wake()

    def wake(self) -> None:
        """Somebody noted something."""
        self._wake.set()

    def _loop(self) -> None:
        while not self._stop.is_set():
            pause_s = LOOK_S
            self._wake.clear()
            try:
                while self.step() and not self._stop.is_set():
                    pass
            except BusyError as error:
                logger.warning("runs cannot be judged again now; trying again", extra={"reason": str(error)})
                pause_s = AGAIN_S
            except Exception:
                logger.exception("judging runs again failed; trying again")
                pause_s = AGAIN_S
            self._wake.wait(pause_s)

    def step(self) -> bool:
        """Do the first thing, or the first runs; False when nothing is left for this thread."""
        waiting = [thing for thing in self._owed.list() if thing not in self._asked]
        if not waiting:
            return False
        first = waiting[0]
        if first.kind is OwedKind.RUN:
            self._runs([t for t in waiting if (t.kind, t.project) == (first.kind, first.project)][:CHUNK])
        elif first.kind is OwedKind.WORKFLOW:
            self._workflow(first)
        else:
            self._asked.add(first)
            self._changed()
            self._recompute.ask(first.project or None, lambda: self._finished(first))
        return True

    def _finished(self, thing: Owed) -> None:
        self._owed.done([thing])
        self._asked.discard(thing)

    def _runs(self, things: Sequence[Owed]) -> None:
        self._assembler.assemble_now(things[0].project, [TraceId(thing.subject) for thing in things])
        self._owed.done(things)

    def _workflow(self, thing: Owed) -> None:
        query = RunQuery(thing.project, workflow=None if thing.subject == EVERY else thing.subject)
        ids = [TraceId(run_id) for run_id in self._store.run_ids(query, MOST_RUNS)]
        for start in range(0, len(ids), CHUNK):
            began = time.monotonic()
            self._assembler.assemble_now(thing.project, ids[start : start + CHUNK])
            while (one := self._single_runs()) and not self._stop.is_set():
                self._runs(one)
            # Half of the time is left for what arrives.
            if self._stop.wait(time.monotonic() - began):
                return
        self._owed.done([thing])

    def _single_runs(self) -> list[Owed]:
        first = self._owed.list(CHUNK)
        return [t for t in first if t.kind is OwedKind.RUN and t.project == first[0].project]
