"""A value as a collapsible tree, built on the server: bounded in depth, width and text, keys treated as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spans.values import BYTES_TAG, DOUBLE_TAG, Value
from web.text import one_line

MAX_DEPTH = 12
MAX_NODES = 1_500
FOLD_TEXT_AT = 400
_OPEN_DEPTH = 1
_OPEN_WIDTH = 12
_PARSE_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree. `kind`: object, array, text, number, bool, null, bytes, more."""

    key: str
    kind: str
    text: str = ""
    children: tuple[Node, ...] = ()
    size: int = 0
    open: bool = False
    parsed: bool = False
    """True for a string that holds JSON and is shown as what it holds."""


def json_tree(value: Value, key: str = "", *, unfold: bool = False) -> Node:
    """Build the tree of a value; what does not fit is counted, never silently dropped."""
    return _Builder(MAX_NODES, unfold=unfold).node(key, value, 0)


class _Builder:
    def __init__(self, budget: int, *, unfold: bool) -> None:
        self._left = budget
        self._open_depth = _OPEN_DEPTH + (1 if unfold else 0)

    def node(self, key: str, value: Value, depth: int) -> Node:
        self._left -= 1
        if isinstance(value, str):
            return self._text(key, value, depth)
        if value is None:
            return Node(key, "null", "null")
        if isinstance(value, bool):
            return Node(key, "bool", "true" if value else "false")
        if isinstance(value, int | float):
            return Node(key, "number", str(value))
        if isinstance(value, Mapping):
            return self._mapping(key, value, depth)
        return self._branch(key, "array", [(str(i), v) for i, v in enumerate(value)], depth)

    def _text(self, key: str, text: str, depth: int) -> Node:
        held = _held_json(text)
        if held is None or depth >= MAX_DEPTH:
            return Node(key, "text", text, size=len(text))
        inner = self.node(key, held, depth)
        return Node(key, inner.kind, inner.text, inner.children, inner.size, inner.open, parsed=True)

    def _mapping(self, key: str, value: Mapping[str, Value], depth: int) -> Node:
        if len(value) == 1:
            if BYTES_TAG in value:
                return Node(
                    key, "bytes", one_line(str(value[BYTES_TAG]), 120), size=len(str(value[BYTES_TAG])) * 3 // 4
                )
            if DOUBLE_TAG in value:
                return Node(key, "number", str(value[DOUBLE_TAG]))
        return self._branch(key, "object", [(str(k), v) for k, v in value.items()], depth)

    def _branch(self, key: str, kind: str, items: Sequence[tuple[str, Value]], depth: int) -> Node:
        if depth >= MAX_DEPTH:
            return Node(key, "more", f"{len(items)} more inside", size=len(items))
        children: list[Node] = []
        for name, item in items:
            if self._left <= 0:
                children.append(Node("", "more", f"{len(items) - len(children)} more in the JSON download"))
                break
            children.append(self.node(name, item, depth + 1))
        is_open = depth < self._open_depth and len(items) <= _OPEN_WIDTH
        return Node(key, kind, children=tuple(children), size=len(items), open=is_open)


def _held_json(text: str) -> Value:
    """What a string that looks like a JSON object or array holds; None for every other string."""
    if len(text) > _PARSE_MOST or text[:1] not in {"{", "["} or text[-1:] not in {"}", "]"}:
        return None
    try:
        held: Value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return held
