"""Work that comes round: retention by received day, at start and then every hour."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from store.api import Store
from store.retention import Expiring, ReceiptBook, RetentionRules, apply_retention, expiring

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
FIRST_AFTER_S = 60.0
"""Not while a start is still busy with its backlog."""
LOOK_AGAIN_S = 86_400.0
"""A day on which nothing changed is looked at again this late: rows of an import may have come to it."""
DISK_ALARM = 0.8
"""Share of the disk in use from which on a person is told."""
RESERVE = 0.02
"""Share of the disk that a copy of survivors never takes."""


@dataclass(frozen=True, slots=True)
class DiskState:
    """How full the disk is, and which days retention could not work on for lack of room."""

    total_bytes: int = 0
    free_bytes: int = 0
    held_back: tuple[date, ...] = ()

    @property
    def used(self) -> float:
        """Share of the disk in use; 0 when nobody knows."""
        return 1 - self.free_bytes / self.total_bytes if self.total_bytes else 0.0

    @property
    def alarming(self) -> bool:
        """Whether a person should act."""
        return self.used >= DISK_ALARM or bool(self.held_back)


def until_next_round(now: datetime) -> float:
    """Seconds: an hour, or until a second after midnight (UTC), when another received day may have expired.

    A day goes as a whole when its last second has reached its period; the oldest row of it is a day older at that moment,
    and must not wait for another hour.
    """
    today = now.astimezone(UTC)
    midnight = datetime.combine(today.date() + timedelta(days=1), datetime.min.time(), UTC)
    return min(EVERY_S, (midnight - today).total_seconds() + 1)


class Housekeeper:
    """A thread that keeps the store within its periods. `stop` works before `start`, and twice."""

    def __init__(
        self,
        store: Store,
        receipts: ReceiptBook,
        rules: Callable[[], RetentionRules],
        *,
        folder: Path | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        also: Sequence[Callable[[], object]] = (),
    ) -> None:
        """Prepare; nothing is removed yet.

        Args:
            store: what is kept within its periods.
            receipts: where removals are proven.
            rules: periods and pins as they stand when asked.
            folder: where the store lies, to know how much room there is; None when it is on another machine.
            now: the clock.
            also: other things to do each round.
        """
        self._store = store
        self._receipts = receipts
        self._rules = rules
        self._folder = folder
        self._now = now
        self._also = also
        self._held_back: tuple[date, ...] = ()
        self._done: dict[tuple[date, str], tuple[Expiring, float]] = {}
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
        items = [item for item in self.plan() if self._is_due(item)]
        outcome = apply_retention(self._store, self._receipts, items, self._room)
        self._held_back = outcome.held_back
        clock = time.monotonic()
        self._done.update({(i.day, i.kind): (i, clock) for i in items if i.day not in outcome.held_back})
        if self.disk().alarming:
            logger.warning("the disk fills up", extra={"used": round(self.disk().used, 3)})
        return outcome.receipts

    def plan(self) -> tuple[Expiring, ...]:
        """What has expired under the rules as they stand now."""
        return expiring(self._store.stored_days(), self._now(), self._rules())

    def disk(self) -> DiskState:
        """How full the disk is."""
        if self._folder is None or not self._folder.exists():
            return DiskState(held_back=self._held_back)
        usage = shutil.disk_usage(self._folder)
        return DiskState(usage.total, usage.free, self._held_back)

    def _is_due(self, item: Expiring) -> bool:
        known = self._done.get((item.day, item.kind))
        return known is None or known[0] != item or time.monotonic() - known[1] > LOOK_AGAIN_S

    def _room(self) -> int | None:
        disk = self.disk()
        return max(0, int(disk.free_bytes - RESERVE * disk.total_bytes)) if disk.total_bytes else None

    def _loop(self) -> None:
        pause = FIRST_AFTER_S
        while not self._stop.wait(pause):
            pause = until_next_round(self._now())
            for work in (self.tidy, *self._also):
                try:
                    work()
                except Exception:
                    logger.exception("housekeeping failed; trying again in an hour")
