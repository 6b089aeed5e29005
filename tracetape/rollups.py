"""Keeps the hourly roll-ups true: sums the hours that changed, a few seconds after they did."""

from __future__ import annotations

import logging
import threading

from spans.errors import BusyError
from store.api import Store

logger = logging.getLogger(__name__)

EVERY_S = 3.0
"""The hour that runs now changes all the time; summing it this often costs a few per cent of a core."""
BUSY_PAUSE_S = 30.0


class RollUps:
    """A thread that empties the set of dirty hours. `stop` works before `start`, and twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="roll-ups", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End after the hours in hand; what stays dirty is marked in the store."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def now(self) -> int:
        """Sum everything that is dirty, in the caller's thread; how many hours."""
        summed = 0
        while not self._stop.is_set() and (some := self._store.roll_up()):
            summed += some
        return summed

    def _loop(self) -> None:
        pause = EVERY_S
        while not self._stop.wait(pause):
            pause = EVERY_S
            try:
                self.now()
            except BusyError as error:
                logger.warning("roll-ups wait: the store is busy", extra={"reason": str(error)})
                pause = BUSY_PAUSE_S
            except Exception:
                logger.exception("roll-ups failed; trying again in half a minute")
                pause = BUSY_PAUSE_S
