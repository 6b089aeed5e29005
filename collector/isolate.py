"""Finds the items of a record that cannot be processed, so that only they are set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from collector.spool.format import Payload, SpoolError
from collector.wire import BYTES, WireError, frame, walk

Range = tuple[int, int]
"""Positions of items: from, to (exclusive)."""

PARTS = 16
"""A range that fails is cut into this many: a poisonous item among 10,000 is found after 4 cuts."""
ACCUSED_MAX = 2
"""A single item with which a worker dies is believed the second time: the first death may have been somebody's kill."""
DEATHS_MAX = 24
"""After this many deaths nobody waits for the rest: what is not cleared by then is set aside."""


@dataclass(slots=True)
class Trial:
    """One record being taken apart. `todo` is what a worker tries next, in order."""

    items: int
    todo: list[Range] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)
    deaths: int = 0
    _next: list[Range] = field(default_factory=list)
    _accused: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if not self.todo:
            self.todo = _cut((0, self.items))

    @property
    def is_over(self) -> bool:
        """Whether every item is known to be good or bad."""
        return not self.todo and not self._next

    def passed(self) -> None:
        """The first range of `todo` could be processed."""
        self.todo.pop(0)
        self._turn()

    def failed(self) -> None:
        """The first range of `todo` raised an error."""
        start, end = self.todo.pop(0)
        if end - start == 1:
            self.bad.add(start)
        else:
            self._next += _cut((start, end))
        self._turn()

    def died(self) -> None:
        """The worker died with the first range of `todo`; what comes after it was not tried."""
        if not self.todo:
            return
        self.deaths += 1
        start, end = self.todo.pop(0)
        if end - start > 1:
            self._next += _cut((start, end))
        else:
            self._accused[start] += 1
            if self._accused[start] >= ACCUSED_MAX:
                self.bad.add(start)
            else:
                self._next.append((start, end))
        self._turn()
        if self.deaths >= DEATHS_MAX:
            self.bad |= {at for a, b in (*self.todo, *self._next) for at in range(a, b)}
            self.todo, self._next = [], []

    def _turn(self) -> None:
        if not self.todo:
            self.todo, self._next = self._next, []


def pick(payload: Payload, positions: Collection[int]) -> Payload:
    """The same record with only these items, in their order; resources and scopes stay as they are.

    Raises:
        SpoolError: the payload is not an OTLP request.
    """
    wanted = frozenset(positions)
    out: list[bytes] = []
    position = 0
    marks: dict[int, tuple[str, ...]] = {}
    kept = 0
    raw = payload.otlp
    try:
        for group in walk(raw):
            if group.number != 1 or group.wire_type != BYTES:
                continue
            parts: list[bytes] = []
            for part in _messages(raw, group.start, group.end):
                number, value = part
                if number == 2:
                    inner: list[bytes] = []
                    for item_number, item in _messages(value, 0, len(value)):
                        if item_number == 2:
                            position += 1
                            if position - 1 not in wanted:
                                continue
                            if position - 1 in payload.marks:
                                marks[kept] = payload.marks[position - 1]
                            kept += 1
                        inner.append(frame(item_number, item))
                    value = b"".join(inner)
                parts.append(frame(number, value))
            out.append(frame(1, b"".join(parts)))
    except WireError:
        raise SpoolError("The record is no OTLP request.") from None
    return Payload(b"".join(out), marks)


def _messages(raw: bytes, start: int, end: int) -> Iterable[tuple[int, bytes]]:
    """Length-delimited fields; resource, scope, items and schema URL all are."""
    for found in walk(raw, start, end):
        if found.wire_type == BYTES:
            yield found.number, raw[found.start : found.end]


def _cut(whole: Range) -> list[Range]:
    start, end = whole
    step = max(1, -(-(end - start) // PARTS))
    return [(at, min(at + step, end)) for at in range(start, end, step)]
