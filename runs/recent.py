"""Remembers what pure functions made of texts that came lately: conversations and prompts repeat theirs from span to span."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Made = TypeVar("Made")

_TEXTS = 128
_CHARS = 16_384
"""Longer texts are not remembered, so each function keeps at most 2 million characters, and what it made of them."""


def remembered(work: Callable[[str], Made]) -> Callable[[str], Made]:
    """The same function, done once for a text that comes again soon.

    What it makes is shared by all who ask, so nobody may change it.
    """
    recent = lru_cache(maxsize=_TEXTS)(work)

    @wraps(work)
    def done(text: str) -> Made:
        return recent(text) if len(text) <= _CHARS else work(text)

    return done
