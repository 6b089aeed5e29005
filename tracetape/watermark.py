"""Up to which time of receipt everything stored is also assembled: where a restart begins to look."""

from __future__ import annotations

import threading
from typing import Protocol

from spans.values import Value

KEY = "assembled_until_ns"


class Notes(Protocol):
    """The part of the ledger that keeps small values."""

    def get(self, name: str, default: Value = None) -> Value:
        """The value of a name, or the default."""

    def put(self, name: str, value: Value) -> None:
        """Set a name; durable when it returns."""


class Watermark:
    """Lowered before anything older is settled, raised only while nothing is on its way.

    Times of receipt are not ordered: a clock may be set back, and a record driven again was received days ago. Without
    the lowering, such a record would be stored, its run lost from sight when main dies before it is assembled.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._lock = threading.Lock()
        self._at_ns = int(str(notes.get(KEY, 0)))

    @property
    def at_ns(self) -> int:
        """Everything received before this is assembled."""
        return self._at_ns

    def lower(self, received_ns: int) -> None:
        """Something received at this time is about to be stored and not yet assembled; durable when it returns."""
        with self._lock:
            if received_ns < self._at_ns:
                self._notes.put(KEY, received_ns)
                self._at_ns = received_ns

    def raise_to(self, received_ns: int) -> None:
        """Everything received before this is assembled."""
        with self._lock:
            if received_ns > self._at_ns:
                self._notes.put(KEY, received_ns)
                self._at_ns = received_ns
