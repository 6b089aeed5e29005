"""Values that differ from run to run without meaning anything: found by class, bound one to one, never just ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

_DAY_S = 86_400
_SECOND_NS = 1_000_000_000
_OPEN, _CLOSE = "⟦", "⟧"


class Volatile(StrEnum):
    """The declared classes; whatever belongs to none of them has to be equal."""

    TRACEPARENT = "traceparent"
    JWT = "jwt"
    UUID = "uuid"
    ULID = "ulid"
    TIME = "time"
    HTTP_DATE = "http_date"
    LOOPBACK = "loopback"
    TEMP_PATH = "temp_path"
    HEX = "hex"
    EPOCH = "epoch"


_HEX = "[0-9a-fA-F]"
_PATTERNS: tuple[tuple[Volatile, str], ...] = (
    (Volatile.TRACEPARENT, rf"(?<![\w-])00-{_HEX}{{32}}-{_HEX}{{16}}-0[01](?![\w-])"),
    (Volatile.JWT, r"(?<![\w.-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*(?![\w.-])"),
    (Volatile.UUID, rf"(?<![\w-]){_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}(?![\w-])"),
    (Volatile.ULID, r"(?<!\w)[0-7](?=[A-HJKMNP-TV-Z]*\d)[0-9A-HJKMNP-TV-Z]{25}(?!\w)"),
    (
        Volatile.TIME,
        (
            r"(?<![\w-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
            r"(?:[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?(?: ?(?:[Zz]|[+-]\d\d:?\d\d))?)?(?![\w-])"
        ),
    ),
    (
        Volatile.HTTP_DATE,
        (
            r"(?<!\w)(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
            r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT(?!\w)"
        ),
    ),
    (Volatile.LOOPBACK, r"(?<![\w.])(?:localhost|127\.0\.0\.1|\[::1\]):\d{2,5}(?!\d)"),
    (Volatile.TEMP_PATH, r"(?<![\w/])(?:/private)?/(?:tmp|var/tmp|var/folders)/[\w./+@-]+"),
    (Volatile.HEX, rf"(?<![\w-])(?=\d*[a-fA-F])(?=[a-fA-F]*\d){_HEX}{{16,}}(?![\w-])"),
    (Volatile.EPOCH, r"(?<![\w.-])1\d{9}(?:\d{3})?(?:\.\d{1,9})?(?![\w-])"),
)
_ANY = re.compile("|".join(f"(?P<{kind.value}>{pattern})" for kind, pattern in _PATTERNS))


@dataclass(frozen=True, slots=True)
class Hole:
    """One volatile value where it stood."""

    kind: Volatile
    value: str


@dataclass(slots=True)
class Holes:
    """The volatile values of one text or tree, in the order they were met."""

    near_ns: int
    """When the run started: digits are a moment only within a day of it."""
    found: list[Hole] = field(default_factory=list)
    _numbers: dict[Hole, int] = field(default_factory=dict)
    _counts: dict[Volatile, int] = field(default_factory=dict)

    def mask(self, text: str) -> str:
        """The text with a numbered hole for each volatile value; equal values get equal numbers."""
        escaped = text.replace(_OPEN, _OPEN * 2)
        return _ANY.sub(self._hole, escaped)

    def mask_number(self, number: float) -> str | None:
        """The hole of a number that is a moment near the run; None for any other number."""
        digits = repr(number) if isinstance(number, float) and not number.is_integer() else str(int(number))
        return self._take(Hole(Volatile.EPOCH, digits)) if self._is_near(digits) else None

    def _hole(self, match: re.Match[str]) -> str:
        kind = Volatile(str(match.lastgroup))
        if kind is Volatile.EPOCH and not self._is_near(match[0]):
            return match[0]
        return self._take(Hole(kind, match[0]))

    def _take(self, hole: Hole) -> str:
        self.found.append(hole)
        if hole not in self._numbers:
            self._counts[hole.kind] = self._numbers[hole] = self._counts.get(hole.kind, 0) + 1
        return f"{_OPEN}{hole.kind.value}#{self._numbers[hole]}{_CLOSE}"

    def _is_near(self, digits: str) -> bool:
        whole = digits.partition(".")[0]
        if not whole.isdecimal() or len(whole) not in {10, 13}:
            return False
        seconds = int(whole) // (1000 if len(whole) == 13 else 1)
        return abs(seconds - self.near_ns // _SECOND_NS) <= _DAY_S


@dataclass(slots=True)
class Bindings:
    """Which value of one run stands for which value of another; one to one over the whole run."""

    _there: dict[Hole, Hole] = field(default_factory=dict)
    _back: dict[Hole, Hole] = field(default_factory=dict)

    def bind(self, left: Iterable[Hole], right: Iterable[Hole]) -> tuple[Hole, Hole] | None:
        """Take two lists of holes together; the first pair that contradicts an earlier one, or None when all agree.

        Pairs before the contradiction stay bound.
        """
        for one, other in zip(left, right, strict=False):
            if one.kind is not other.kind:
                return one, other
            if self._there.setdefault(one, other) != other or self._back.setdefault(other, one) != one:
                return one, other
        return None

    def counts(self) -> dict[str, int]:
        """How many different values are bound, by class; values that are equal on both sides are not counted."""
        found: dict[str, int] = {}
        for one, other in self._there.items():
            if one != other:
                found[one.kind.value] = found.get(one.kind.value, 0) + 1
        return dict(sorted(found.items()))
