"""A run's tree made ready for reading: what is inside what, which repeats fold, the critical path, where to jump.

All of it is found on the outline, so that a run of 50,000 steps costs a fraction of a second once and nothing after.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spans.kinds import SpanKind
from spans.run import Run
from store.api import Store
from store.outline import Outline, Trouble

WINDOW = 300
"""Rows drawn at once: about 250 kB of HTML. A run of 50,000 steps is read window by window."""
FEW_STEPS = 80
"""Up to here a tree is short enough to be read whole, and only long repeats fold."""
REPEATS_IN_SHORT, REPEATS_IN_LONG = 12, 5
"""Equal neighbours that fold into one row."""
SHOWN_TROUBLES = 3
"""Failed or denied members that stay visible under a closed fold."""
MOST_TOGGLED = 60
_TOKEN = re.compile(r"g?[0-9]{1,8}")
_GROUPING = frozenset({SpanKind.AGENT.value, SpanKind.WORKFLOW.value})
_TELLING = (Trouble.DENIED, Trouble.WAITING, Trouble.ERROR)


@dataclass(frozen=True, slots=True)
class View:
    """How somebody looks at a tree: the step they chose, what they opened and shut, where the window starts."""

    selected: int | None = None
    """Place in the stored order."""
    start: int | None = None
    """First row of the window; None puts it around the selected step."""
    show_noise: bool = False
    opened: frozenset[str] = frozenset()
    """Steps by their place, folds by `g` and the place of their first member."""
    shut: frozenset[str] = frozenset()

    @classmethod
    def read(cls, params: Mapping[str, str], selected: int | None) -> View:
        """The view of an address; whatever it does not know is left out."""
        start = params.get("from", "")
        return cls(
            selected=selected,
            start=int(start) if start.isascii() and start.isdecimal() and len(start) < 9 else None,
            show_noise=params.get("noise") == "1",
            opened=_tokens(params.get("open", "")),
            shut=_tokens(params.get("shut", "")),
        )

    def params(self) -> dict[str, str]:
        """As an address writes it, without the selected step and the window."""
        said = {"open": ".".join(sorted(self.opened)), "shut": ".".join(sorted(self.shut))}
        return {k: v for k, v in (*said.items(), ("noise", "1" if self.show_noise else "")) if v}

    def is_open(self, token: str, *, by_default: bool) -> bool:
        """Whether something shows what is inside."""
        return token not in self.shut and (by_default or token in self.opened)

    def toggled(self, row: Planned, tree: Tree) -> View:
        """The view after somebody opened or shut a row."""
        token = tree.token(row)
        if row.is_open:
            return replace(self, opened=self.opened - {token}, shut=_grown(self.shut, token))
        return replace(self, opened=_grown(self.opened, token), shut=self.shut - {token})


def _tokens(text: str) -> frozenset[str]:
    return frozenset([t for t in text[:1000].split(".") if _TOKEN.fullmatch(t)][:MOST_TOGGLED])


def _grown(tokens: frozenset[str], token: str) -> frozenset[str]:
    return tokens if len(tokens) >= MOST_TOGGLED else tokens | {token}


@dataclass(frozen=True, slots=True)
class Planned:
    """A row to draw: a step (`repeats` is 0) or a fold of repeats that starts at it."""

    index: int
    """Its place among the tree's visible steps."""
    end: int
    """First place after everything inside it."""
    level: int
    is_open: bool | None
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows of one window."""

    rows: tuple[Planned, ...]
    start: int
    total: int
    size: int
    view: View
    _ordinals: Sequence[int] = field(default=(), repr=False)

    def ordinals(self) -> tuple[int, ...]:
        """The steps that these rows need, by their place in the stored order."""
        return tuple(self._ordinals[row.index] for row in self.rows)


class Tree:
    """The visible steps of an outline as a tree. Made once per version of a run; safe to share."""

    def __init__(self, outline: Outline, *, show_noise: bool = False) -> None:
        self.outline = outline
        count = len(outline)
        self.begin_ns = min(outline.starts_ns, default=0)
        ends = map(int.__add__, outline.starts_ns, outline.durations_ns)
        self.length_ns = (max(ends, default=1) - self.begin_ns) or 1
        self.ordinals = [n for n in range(count) if show_noise or not outline.noise[n]]
        self.hidden = count - len(self.ordinals)
        self._names = [(outline.kinds[n], outline.names[n]) for n in self.ordinals]
        self._ends = _subtree_ends([outline.depths[n] for n in self.ordinals])
        self._troubles = [outline.troubles[n] for n in self.ordinals]
        self._sums = {t: _running([x == t for x in self._troubles]) for t in ("denied", "error")}
        self._costs = list(itertools.accumulate((outline.costs[n] or 0.0 for n in self.ordinals), initial=0.0))
        critical = self._critical()
        # a path through everything tells nothing
        if len(critical) == len(self.ordinals):
            critical = {}
        self._critical_sums = _running(n in critical for n in range(len(self.ordinals)))
        self.critical_ns = sum(critical.values())
        self.is_short = len(self.ordinals) <= FEW_STEPS
        self.least_repeats = REPEATS_IN_SHORT if self.is_short else REPEATS_IN_LONG
        self.first_denied = next(self._innermost(Trouble.DENIED), None)
        """The first step that was stopped, by its place in the stored order; None when nothing was."""
        self.jumps = tuple(self._jumps())
        self.telling = self._telling()

    def token(self, row: Planned) -> str:
        """How an address names a row."""
        return f"{'g' if row.repeats else ''}{self.ordinals[row.index]}"

    def span_of(self, row: Planned) -> tuple[int, int]:
        """Start and end of a row, Unix nanoseconds; of a fold, from its first start to its last end."""
        outline = self.outline
        if not row.repeats:
            at = self.ordinals[row.index]
            return outline.starts_ns[at], outline.starts_ns[at] + outline.durations_ns[at]
        members = [self.ordinals[n] for n in self._siblings(row.index, row.end)]
        start = min(outline.starts_ns[n] for n in members)
        return start, max(outline.starts_ns[n] + outline.durations_ns[n] for n in members)

    def count(self, row: Planned, trouble: Trouble) -> int:
        """Steps in that trouble inside a row; a step does not count itself."""
        sums = self._sums[trouble]
        return sums[row.end] - sums[row.index if row.repeats else row.index + 1]

    def cost(self, row: Planned) -> float:
        """US dollars of everything in a row."""
        return self._costs[row.end] - self._costs[row.index]

    def is_critical(self, row: Planned) -> bool:
        """Whether the critical path goes through a row."""
        end = row.end if row.repeats else row.index + 1
        return self._critical_sums[end] > self._critical_sums[row.index]

    def plan(self, view: View, size: int = WINDOW) -> Plan:
        """The rows that show in a view: all of them in order, of which one window is kept."""
        chosen = None if view.selected is None else self._index_of(view.selected)
        rows = list(self._rows(view, chosen))
        at = next((n for n, r in enumerate(rows) if r.index == chosen and not r.repeats), None)
        start = view.start
        if start is None:
            start = 0 if at is None or at < size else max(0, at - size // 2)
        start = max(0, min(start, len(rows) - 1))
        return Plan(tuple(rows[start : start + size]), start, len(rows), size, view, self.ordinals)

    def _rows(self, view: View, chosen: int | None) -> Iterator[Planned]:
        """Every row in order, without recursion: traces are nested as deep as somebody's framework likes."""
        todo = [(0, len(self.ordinals), 0, False)]
        while todo:
            at, end, level, in_fold = todo.pop()
            if at >= end:
                continue
            if not in_fold:
                after, number = self._repeats(at, end)
                # in a short tree only bare calls fold: what is inside others is what one came to read
                if number >= self.least_repeats and (not self.is_short or after == at + number):
                    todo.append((after, end, level, False))
                    inside = chosen is not None and at <= chosen < after
                    is_open = view.is_open(f"g{self.ordinals[at]}", by_default=inside)
                    yield Planned(at, after, level, is_open, number)
                    if is_open:
                        todo.append((at, after, level + 1, True))
                    else:
                        yield from self._troubled(at, after, level + 1)
                    continue
            own_end = self._ends[at]
            todo.append((own_end, end, level, in_fold))
            if own_end == at + 1:
                yield Planned(at, own_end, level, None)
                continue
            inside = chosen is not None and at < chosen < own_end
            is_open = view.is_open(str(self.ordinals[at]), by_default=inside or not in_fold)
            yield Planned(at, own_end, level, is_open)
            if is_open:
                todo.append((at + 1, own_end, level + 1, False))

    def _troubled(self, first: int, end: int, level: int) -> Iterator[Planned]:
        """The few members of a closed fold that must not be hidden."""
        bad = {Trouble.DENIED.value, Trouble.ERROR.value, Trouble.WAITING.value}
        found = (
            Planned(n, n + 1, level, None)
            for n in self._siblings(first, end)
            if self._troubles[n] in bad and self._ends[n] == n + 1
        )
        yield from itertools.islice(found, SHOWN_TROUBLES)

    def _siblings(self, first: int, end: int) -> Iterator[int]:
        while first < end:
            yield first
            first = self._ends[first]

    def _repeats(self, at: int, end: int) -> tuple[int, int]:
        name, number = self._names[at], 0
        while at < end and self._names[at] == name:
            at, number = self._ends[at], number + 1
        return at, number

    def _index_of(self, ordinal: int) -> int | None:
        # noise in front of it was left out, so it stands at its own place or before
        low, high = 0, min(ordinal + 1, len(self.ordinals))
        while low < high:
            middle = (low + high) // 2
            if self.ordinals[middle] < ordinal:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.ordinals) and self.ordinals[low] == ordinal else None

    def _critical(self) -> dict[int, int]:
        """The steps that the end of the run waited for, each with the nanoseconds that only it accounts for.

        From the root backwards: of what is inside a step, the last to end before the moment reached, and so on to its
        start.
        """
        starts = [self.outline.starts_ns[n] for n in self.ordinals]
        ends = [start + self.outline.durations_ns[n] for start, n in zip(starts, self.ordinals, strict=True)]
        found: dict[int, int] = {}
        roots = list(self._siblings(0, len(self.ordinals)))
        todo = [(max(roots, key=lambda n: ends[n] - starts[n]), 1 << 63)] if roots else []
        while todo:
            at, limit = todo.pop()
            moment = min(ends[at], limit)
            own = moment - starts[at]
            inside = sorted(self._siblings(at + 1, self._ends[at]), key=lambda n: ends[n], reverse=True)
            for child in inside:
                if starts[child] >= moment or ends[child] <= starts[at]:
                    continue
                stop = min(ends[child], moment)
                begin = max(starts[child], starts[at])
                if stop <= begin:
                    continue
                todo.append((child, stop))
                own -= stop - begin
                moment = begin
            found[at] = max(0, own)
        return found

    def _jumps(self) -> Iterator[tuple[str, int]]:
        outline = self.outline
        for trouble, one, many in ((Trouble.DENIED, "denial", "denials"), (Trouble.ERROR, "error", "errors")):
            found = list(self._innermost(trouble))
            if found:
                yield (one if len(found) == 1 else f"first of {len(found):,} {many}"), found[0]
        leaves = [n for n in self.ordinals if outline.kinds[n] not in _GROUPING and outline.counted[n]]
        if leaves:
            yield "slowest", max(leaves, key=lambda n: outline.durations_ns[n])
        priced = [n for n in leaves if outline.costs[n]]
        if priced:
            yield "most expensive", max(priced, key=lambda n: outline.costs[n] or 0.0)

    def _innermost(self, trouble: Trouble) -> Iterator[int]:
        """Steps in that trouble with none inside them, in order: a failing tool, not the agents around it."""
        sums, ends, word = self._sums[trouble], self._ends, trouble.value
        return (
            self.ordinals[n] for n, own in enumerate(self._troubles) if own == word and sums[ends[n]] - sums[n] == 1
        )

    def _telling(self) -> int | None:
        """The step to open first: what was stopped, else what waits, else what failed, else the root."""
        for trouble in _TELLING:
            word = trouble.value
            found = [n for n, own in enumerate(self._troubles) if own == word]
            if found:
                # the innermost of several: a failing tool, not the agent around it
                return self.ordinals[max(found, key=lambda n: self.outline.depths[self.ordinals[n]])]
        return self.ordinals[0] if self.ordinals else None


def _subtree_ends(depths: Sequence[int]) -> list[int]:
    """For each step, the first place after everything inside it."""
    ends = [len(depths)] * len(depths)
    waiting: list[int] = []
    for at, depth in enumerate(depths):
        while waiting and depths[waiting[-1]] >= depth:
            ends[waiting.pop()] = at
        waiting.append(at)
    return ends


def _running(flags: Iterable[bool]) -> list[int]:
    return list(itertools.accumulate(flags, initial=0))


class Trees:
    """The trees opened last, so that a click in a large run costs what it shows and no more. Safe for threads."""

    def __init__(self, most: int = 6) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, int, bool], Tree] = OrderedDict()

    def of(self, store: Store, run: Run, *, show_noise: bool) -> Tree:
        """The tree of this version of a run."""
        key = (run.project, run.run_id, run.version, show_noise)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        made = Tree(store.read_outline(run.project, run.run_id), show_noise=show_noise)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
