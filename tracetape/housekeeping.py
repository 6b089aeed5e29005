"""Work that comes round: retention by received day, at start and then every hour."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from store.api import Store
from store.retention import ReceiptBook, apply_retention, expired_days

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
FIRST_AFTER_S = 60.0
"""Not while a start is still busy with its backlog."""


class Housekeeper:
    """A thread that keeps the store within its periods. `stop` works before `start`, and twice."""

    def __init__(
        self,
        store: Store,
        receipts: ReceiptBook,
        *,
        content_days: int,
        metadata_days: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        also: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._store = store
        self._receipts = receipts
        self._content_days = content_days
        self._metadata_days = metadata_days
        self._now = now
        self._also = also
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End before the next round."""
        self._stop.set()

    def tidy(self) -> int:
        """One round of retention; returns the number of receipts written."""
        limits = expired_days(self._now(), self._content_days, self._metadata_days)
        return apply_retention(self._store, self._receipts, limits)

    def _loop(self) -> None:
        pause = FIRST_AFTER_S
        while not self._stop.wait(pause):
            pause = EVERY_S
            for work in (self.tidy, *self._also):
                try:
                    work()
                except Exception:
                    logger.exception("retention failed; trying again in an hour")
