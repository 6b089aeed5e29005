"""One thing that is done again and again in a thread of its own, whatever goes wrong in one round of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from spans.errors import BusyError

logger = logging.getLogger(__name__)


class Repeating:
    """A thread. `stop` works before `start`, and twice."""

    def __init__(self, name: str, work: Callable[[], object], every_s: float) -> None:
        """Nothing is done before `start`.

        Args:
            name: of the thread, and in the log.
            work: one round; what it raises is logged, and the next round comes all the same.
            every_s: pause before each round.
        """
        self._name = name
        self._work = work
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End before the next round; a round may say so, too."""
        self._stop.set()

    def _loop(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._work()
            except BusyError as error:
                logger.info("busy; later", extra={"what": self._name, "reason": str(error)})
            except Exception:
                logger.exception("failed; trying again", extra={"what": self._name})
