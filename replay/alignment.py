"""Pairs the exchanges of two recordings: by branch, then in order, and where the order differs by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from spans.canonical import content_digest

Json = Mapping[str, Any]

BAND: Final = 80
"""How far apart two exchanges of a pair may stand once a stretch is too long to compare everything with everything."""
_FULL_CELLS: Final = 40_000
_MOST_FEATURES: Final = 300
_SAME, _ASKED_SAME, _LIKE = 6.0, 4.0, 1.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two exchanges that stand for each other; one of them None when the other run has nothing in that place."""

    left: Json | None
    right: Json | None

    @property
    def branch(self) -> tuple[str, ...]:
        """The branch both stand in."""
        return tuple((self.left or self.right or {})["branch"])


def aligned(left: Sequence[Json], right: Sequence[Json]) -> tuple[Pair, ...]:
    """Pair the exchanges of two recordings (`exchanges` of the file format), in playing order.

    Only exchanges of one branch and of one kind and tool are paired, and no two pairs of a branch cross. Within that the
    pairs are as alike as possible; a step that was put in or left out therefore shifts nothing behind it.
    """
    pairs: list[Pair] = []
    here, there = _by_branch(left), _by_branch(right)
    for branch in (*here, *(branch for branch in there if branch not in here)):
        pairs.extend(_line(here.get(branch, ()), there.get(branch, ())))
    return _in_playing_order(pairs)


def _by_branch(exchanges: Iterable[Json]) -> dict[tuple[str, ...], list[Json]]:
    found: dict[tuple[str, ...], list[Json]] = {}
    for exchange in exchanges:
        found.setdefault(tuple(exchange["branch"]), []).append(exchange)
    return found


def _line(left: Sequence[Json], right: Sequence[Json]) -> list[Pair]:
    """One branch: equal ends are paired at once, the middle by likeness."""
    start = 0
    while start < min(len(left), len(right)) and _same(left[start], right[start]):
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and _same(left[-1 - end], right[-1 - end]):
        end += 1
    middle = _middle(left[start : len(left) - end], right[start : len(right) - end])
    return [
        *(Pair(a, b) for a, b in zip(left[:start], right[:start], strict=True)),
        *middle,
        *(Pair(a, b) for a, b in zip(left[len(left) - end :], right[len(right) - end :], strict=True)),
    ]


def _middle(left: Sequence[Json], right: Sequence[Json]) -> list[Pair]:
    """The best sum of likeness without crossings; over long stretches only near the diagonal."""
    rows, columns = len(left), len(right)
    if not rows or not columns:
        return [*(Pair(a, None) for a in left), *(Pair(None, b) for b in right)]
    likeness = _likeness(left, right)
    full = rows * columns <= _FULL_CELLS
    best: list[dict[int, float]] = [{} for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        centre = row * columns // rows
        low, high = (0, columns) if full else (max(0, centre - BAND), min(columns, centre + BAND + 1))
        below, here = best[row + 1], best[row]
        for column in range(high - 1, low - 1, -1):
            together = likeness(row, column)
            value = max(below.get(column, 0.0), here.get(column + 1, 0.0))
            if together:
                value = max(value, together + below.get(column + 1, 0.0))
            here[column] = value
    pairs: list[Pair] = []
    row = column = 0
    while row < rows and column < columns:
        value = best[row].get(column, 0.0)
        together = likeness(row, column) if column in best[row] else 0.0
        if together and value <= together + best[row + 1].get(column + 1, 0.0) + 1e-9:
            pairs.append(Pair(left[row], right[column]))
            row, column = row + 1, column + 1
        elif column in best[row] and value <= best[row + 1].get(column, 0.0) + 1e-9:
            pairs.append(Pair(left[row], None))
            row += 1
        elif column in best[row] or column < (row * columns // rows):
            pairs.append(Pair(None, right[column]))
            column += 1
        else:
            pairs.append(Pair(left[row], None))
            row += 1
    return [*pairs, *(Pair(a, None) for a in left[row:]), *(Pair(None, b) for b in right[column:])]


def _likeness(left: Sequence[Json], right: Sequence[Json]) -> Any:
    """How alike two exchanges are: 0 when they cannot be a pair."""
    features: dict[tuple[int, int], frozenset[str]] = {}

    def of(side: int, index: int) -> frozenset[str]:
        if (side, index) not in features:
            features[side, index] = _features((left, right)[side][index])
        return features[side, index]

    @cache
    def likeness(row: int, column: int) -> float:
        one, other = left[row], right[column]
        if one["kind"] != other["kind"] or (one["kind"] == "tool" and one["name"] != other["name"]):
            return 0.0
        if one["k1"] == other["k1"]:
            return _SAME if _same(one, other) else _ASKED_SAME
        mine, theirs = of(0, row), of(1, column)
        shared = len(mine & theirs) / max(1, len(mine | theirs))
        return _LIKE + 2.0 * shared + (0.0 if one["name"] != other["name"] else 0.25)

    return likeness


def _same(one: Json, other: Json) -> bool:
    keys = ("k1", "answer_key", "kind")
    return all(bool(one[key] == other[key]) for key in keys) and bool(
        one["kind"] != "tool" or one["name"] == other["name"]
    )


def _features(exchange: Json) -> frozenset[str]:
    """What an exchange says, in pieces: its messages whole, everything else leaf by leaf."""
    found: set[str] = set()
    for side in ("asked", "answered"):
        for name, value in exchange[side].items():
            items = value if isinstance(value, list) else [value]
            if isinstance(value, Mapping):
                items = [[key, item] for key, item in value.items()]
            for item in items[-_MOST_FEATURES:]:
                found.add(f"{name}:{content_digest(item, digits=12)}")
    return frozenset(found)


def _in_playing_order(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The left run's order, with what only the right one has where it happened there."""
    led = sorted((p for p in pairs if p.left is not None), key=lambda p: (p.left or {})["number"])
    alone = sorted((p for p in pairs if p.left is None), key=lambda p: (p.right or {})["number"])
    found: list[Pair] = []
    at = 0
    for pair in led:
        if pair.right is not None:
            while at < len(alone) and (alone[at].right or {})["number"] < pair.right["number"]:
                found.append(alone[at])
                at += 1
        found.append(pair)
    return (*found, *alone[at:])
