"""Marks that runs make by themselves: a label that a workflow did not have before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from spans.change import Mark, MarkKind
from store.measures import VersionSpan

SETTLED_NS = 3600 * 1_000_000_000
"""Labels that a workflow has from its first hour on are not changes."""


def seen_marks(project: str, kind: MarkKind, spans: Iterable[VersionSpan]) -> tuple[Mark, ...]:
    """A mark for every label that appeared after its workflow did."""
    grouped: defaultdict[tuple[str, str], list[VersionSpan]] = defaultdict(list)
    for span in spans:
        grouped[span.workflow, span.environment].append(span)
    return tuple(
        Mark(project, environment, workflow, span.first_ns, kind, span.label)
        for (workflow, environment), labels in grouped.items()
        for span in labels
        if span.first_ns - min(label.first_ns for label in labels) > SETTLED_NS
    )
