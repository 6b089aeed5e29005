"""One at a time, and whoever has a person waiting goes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Guards what only one thread may use at once. A lock alone would let a busy thread take it again and again."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = False
        self._first = 0
        """How many wait who go first."""

    @contextmanager
    def taken(self, *, first: bool) -> Iterator[None]:
        """Wait for a turn, and end it afterwards.

        Args:
            first: Goes before everybody who does not.
        """
        with self._free:
            self._first += first
            try:
                self._free.wait_for(lambda: not self._taken and (first or not self._first))
                self._taken = True
            finally:
                self._first -= first
        try:
            yield
        finally:
            with self._free:
                self._taken = False
                self._free.notify_all()
