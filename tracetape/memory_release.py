"""Gives memory that the embedded engine freed back to the system, so that what main holds is what it uses."""

from __future__ import annotations

import logging
import threading

from spans.errors import BusyError
from store.api import Store

logger = logging.getLogger(__name__)

EVERY_S = 10.0


class MemoryRelease:
    """A thread. `stop` works before `start`, and twice."""

    def __init__(self, store: Store, every_s: float = EVERY_S) -> None:
        """Nothing is released before `start`.

        Args:
            store: whose engine lives in this process.
            every_s: pause between two times.
        """
        self._store = store
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="memory-release", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End before the next time."""
        self._stop.set()

    def _loop(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._store.release_memory()
            except BusyError:
                logger.debug("the engine is busy; memory is released later")
            except Exception:
                logger.exception("memory could not be released; trying again")
