"""What exactly differs between two values: where, from what to what, and which characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Final

from replay.canonical import parsed

MOST: Final = 40
"""Differences told of one exchange; there may be more."""
_AROUND = 60
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that differs. `left` or `right` is None with `is_missing` when that side has nothing there.

    For texts `start` is the first character that differs, `left_end` and `right_end` the ends of the stretch.
    """

    path: str
    left: Any
    right: Any
    missing: str = ""
    """`left` or `right` when only the other side has a value."""
    start: int = 0
    left_end: int = 0
    right_end: int = 0

    def excerpt(self, side: str) -> tuple[str, str, str]:
        """A text around the stretch that differs: before, the stretch, after."""
        text = self.left if side == "left" else self.right
        end = self.left_end if side == "left" else self.right_end
        if not isinstance(text, str):
            return "", "" if text is None and self.missing == side else plain(text), ""
        before = text[max(0, self.start - _AROUND) : self.start]
        after = text[end : end + _AROUND]
        return (
            ("…" if self.start > _AROUND else "") + before,
            text[self.start : end],
            after + ("…" if end + _AROUND < len(text) else ""),
        )


def differences(left: Any, right: Any, path: str = "") -> tuple[Difference, ...]:
    """Where two values differ, in reading order, at most `MOST` places. JSON inside a text is opened when both sides hold it."""
    return tuple(islice(_differences(left, right, path), MOST))


def plain(value: Any) -> str:
    """A short value as people read it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return f"{value:.2f}" if round(value, 2) == value and abs(value) < 1e15 else repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}: {plain(item)}" for key, item in islice(value.items(), 6))
        return "{" + inside[:200] + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(plain(item) for item in value[:6])[:200] + "]"
    return str(value)


def _differences(left: Any, right: Any, path: str) -> Iterator[Difference]:
    left, right = _opened(left, right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in (*left, *(key for key in right if key not in left)):
            yield from _at(left.get(key, _MISSING), right.get(key, _MISSING), f"{path}.{key}" if path else str(key))
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        for index, (one, other) in enumerate(zip_longest(left, right, fillvalue=_MISSING)):
            yield from _at(one, other, f"{path}[{index}]")
    elif isinstance(left, str) and isinstance(right, str):
        if left != right:
            yield _texts(left, right, path)
    elif (type(left) is not type(right) and not (_is_number(left) and _is_number(right))) or left != right:
        yield Difference(path, left, right)


def _at(left: Any, right: Any, path: str) -> Iterator[Difference]:
    if left is _MISSING:
        yield Difference(path, None, right, "left")
    elif right is _MISSING:
        yield Difference(path, left, None, "right")
    else:
        yield from _differences(left, right, path)


def _opened(left: Any, right: Any) -> tuple[Any, Any]:
    one, is_json = parsed(left) if isinstance(left, str) else (left, isinstance(left, (Mapping, list, tuple)))
    other, also = parsed(right) if isinstance(right, str) else (right, isinstance(right, (Mapping, list, tuple)))
    return (one, other) if is_json and also else (left, right)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _texts(left: str, right: str, path: str) -> Difference:
    shortest = min(len(left), len(right))
    start = next((i for i in range(shortest) if left[i] != right[i]), shortest)
    end = next((i for i in range(shortest - start) if left[-1 - i] != right[-1 - i]), shortest - start)
    return Difference(path, left, right, "", start, len(left) - end, len(right) - end)
