"""Remembers the prepared tapes of the runs that people are playing, so that any step of them is told at once."""

from __future__ import annotations

import threading
from collections import OrderedDict

from replay.outline import asked_of, outline
from replay.reading import traces_of
from spans.run import Run
from store.api import Store
from web.pages.replay import Tape, build_tape

MOST = 32

Key = tuple[str, str, int]


class Tapes:
    """A small memory. A run that changed has another version, so nothing in it is ever stale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Tape] = OrderedDict()

    def of(self, store: Store, run: Run) -> Tape:
        """The tape of a run."""
        key = (run.project, run.run_id, run.version)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        steps = store.read_steps(run.project, run.run_id)
        asked = asked_of(store.read_facts(run.project, traces_of(run, steps)))
        tape = build_tape(run, outline(steps, asked), asked, steps)
        with self._lock:
            self._kept[key] = tape
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return tape
