"""Remembers growing lists: a conversation that is sent again with one more message costs only that message."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from redaction.memory import Hasher

MIN_LENGTH = 512
"""Shorter texts are analysed as fast as they are looked up."""
MAX_SERIES = 4_000
MAX_STEPS = 4
"""Longest known texts of one series: a model call is often sent twice, by two reporters."""


@dataclass(frozen=True, slots=True)
class _Step:
    length: int
    """Characters without the closing bracket."""
    digest: bytes
    key: bytes
    """Under which key the clean text is remembered."""


class History:
    """Which texts of a series (one trace, one key) begin a longer one. Holds hashes, never texts."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._hash = Hasher()
        self._series: OrderedDict[bytes, tuple[_Step, ...]] = OrderedDict()

    def beginnings(self, series: bytes, text: str) -> list[tuple[int, bytes]]:
        """Known lists that this one continues, longest first: characters they share, and their key."""
        if not self._enabled or not _is_list(text):
            return []
        steps = self._series.get(series, ())
        return [
            (step.length, step.key)
            for step in sorted(steps, key=lambda step: -step.length)
            if step.length < len(text)
            and text[step.length] == ","
            and self._hash(series, text[: step.length]) == step.digest
        ]

    def note(self, series: bytes, text: str, key: bytes) -> None:
        """Remember that this list was seen; `key` finds what became of it."""
        if not self._enabled or not _is_list(text):
            return
        body = text[:-1]
        step = _Step(len(body), self._hash(series, body), key)
        steps = [known for known in self._series.get(series, ()) if known.digest != step.digest]
        self._series[series] = (*steps, step)[-MAX_STEPS:]
        self._series.move_to_end(series)
        while len(self._series) > MAX_SERIES:
            self._series.popitem(last=False)


def _is_list(text: str) -> bool:
    return len(text) >= MIN_LENGTH and text[0] == "[" and text[-1] == "]"
