"""Builds an honest tree: orphans, several roots and cycles become roots and say so; nothing is lost, nothing invented."""

from __future__ import annotations

from collections.abc import Iterable

from runs.node import Node
from spans.ids import SpanId


def build_tree(nodes: Iterable[Node]) -> list[Node]:
    """Link parents and children and return all nodes in stored order: roots by time, each before its children."""
    by_id: dict[SpanId, Node] = {node.span_id: node for node in nodes}
    ordered = sorted(by_id.values(), key=lambda node: node.order)
    roots: list[Node] = []
    for node in ordered:
        parent_id = node.facts.parent_span_id
        parent = by_id.get(parent_id) if parent_id else None
        if parent is None or parent is node:
            if parent_id:
                node.mark("cycle" if parent is node else "orphan")
            roots.append(node)
        else:
            node.parent = parent
            parent.children.append(node)
    seen = {node.span_id for node in _walk(roots)}
    if len(seen) < len(ordered):
        for lost in ordered:
            if lost.span_id not in seen:
                _cut_cycle(lost)
                roots.append(lost)
                seen.update(node.span_id for node in _walk([lost]))
        roots.sort(key=lambda node: node.order)
    listed = _walk(roots)
    for ordinal, node in enumerate(listed):
        node.ordinal = ordinal
    return listed


def _cut_cycle(node: Node) -> None:
    """Make the earliest span of a circle its root."""
    if node.parent is not None:
        node.parent.children.remove(node)
    node.parent = None
    node.mark("cycle")


def _walk(roots: list[Node]) -> list[Node]:
    found: list[Node] = []
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        node, depth = stack.pop()
        node.depth = depth
        found.append(node)
        stack.extend((child, depth + 1) for child in reversed(node.children))
    return found
