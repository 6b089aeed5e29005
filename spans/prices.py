"""A price that somebody set by hand: which calls it covers, when, and what a million tokens of each class cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

CLASSES = ("input", "cache_read", "cache_write", "cache_write_1h", "input_audio", "output", "output_audio")
"""Token classes that do not overlap; their tokens add up to input plus output."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price somebody set by hand: USD per million tokens, for models that match, while it is valid.

    `model` and `provider` are patterns (`gpt-4o*`, `*`); times are Unix nanoseconds, `until_ns` exclusive.
    """

    name: str
    model: str
    prices: Mapping[str, Decimal]
    """Token class (see `CLASSES`) → USD per million."""
    provider: str = "*"
    from_ns: int = 0
    until_ns: int | None = None

    def covers(self, provider: str, model: str, at_ns: int) -> bool:
        """Whether this row prices such a call at such a time."""
        return (
            fnmatchcase(model.lower(), self.model.lower())
            and fnmatchcase(provider, self.provider)
            and self.from_ns <= at_ns
            and (self.until_ns is None or at_ns < self.until_ns)
        )
