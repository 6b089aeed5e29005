"""Marks that runs make by themselves: a label that a workflow did not have before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from spans.change import Mark, MarkKind
from store.measures import LabelField, VersionSpan

SETTLED_NS = 3600 * 1_000_000_000
"""Labels that a workflow has from its first hour on are not changes."""
MOST_CHANGES = 12
"""Prompts or tools that change in more hours than this are made up per run: none of them is marked."""
LEAST_RUNS = {LabelField.PROMPT: 3}
"""A prompt that one run had may be a text with a name in it; one that several had is a prompt."""
_MADE_UP = frozenset({LabelField.PROMPT, LabelField.TOOLS})


def seen_marks(project: str, field: LabelField, spans: Iterable[VersionSpan]) -> tuple[Mark, ...]:
    """A mark for every label that appeared after its workflow did."""
    grouped: defaultdict[tuple[str, str], list[VersionSpan]] = defaultdict(list)
    for span in spans:
        grouped[span.workflow, span.environment].append(span)
    found: list[Mark] = []
    for (workflow, environment), labels in grouped.items():
        first_ns = min(label.first_ns for label in labels)
        new = [
            label
            for label in labels
            if label.first_ns - first_ns > SETTLED_NS and label.runs >= LEAST_RUNS.get(field, 1)
        ]
        if field in _MADE_UP and len({label.first_ns // SETTLED_NS for label in new}) > MOST_CHANGES:
            continue
        kind = MarkKind(field.value)
        found += [Mark(project, environment, workflow, label.first_ns, kind, label.label) for label in new]
    return tuple(found)
