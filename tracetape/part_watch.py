"""Watches that what the engine calls stored is on the disk, and opens the engine anew when it is not."""

from __future__ import annotations

import logging
from collections.abc import Callable

from store.api import Store
from tracetape.repeating import Repeating

logger = logging.getLogger(__name__)

EVERY_S = 2.0
"""What a broken part was merged from is kept for about 30 s of the clock on the wall, which may be set forward or go on while a
laptop sleeps: soon is better. Looking costs some milliseconds, as parts that were seen whole are not looked at again."""


class PartWatch(Repeating):
    """Looks at every part in use, and opens the engine anew once."""

    def __init__(self, store: Store, reopen: Callable[[], None], every_s: float = EVERY_S) -> None:
        """Nothing is looked at before `start`.

        Args:
            store: whose parts are looked at.
            reopen: ends this process in an orderly way, so that it is started again; the spool keeps everything meanwhile.
            every_s: pause between two looks.
        """
        super().__init__("part-watch", self._watch, every_s)
        self._store = store
        self._reopen = reopen

    def look(self) -> bool:
        """Look once; True when the engine has to be opened anew."""
        broken = self._store.broken_parts()
        if broken:
            logger.critical(
                "the engine lost the bytes of parts when its disk was full; opening it anew brings back what they were made of",
                extra={"parts": list(broken[:20]), "count": len(broken)},
            )
        return bool(broken)

    def _watch(self) -> None:
        if self.look():
            self._reopen()
            self.stop()
