"""What one reading of a list of runs tells: how many of each shape, its bars over time, and where its first page lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from store.api import Bucket, RunQuery
from web.pages.overview import add_totals

ByShape = Mapping[str, Sequence[Bucket]]


def shape_counts(by_shape: ByShape) -> dict[str, int]:
    """Runs of each shape."""
    return {shape: sum(b.totals.runs for b in parts) for shape, parts in by_shape.items()}


def bars_of(by_shape: ByShape, shapes: Sequence[str]) -> tuple[Bucket, ...]:
    """The parts of some shapes together; of all of them when none is named."""
    chosen = [parts for shape, parts in by_shape.items() if not shapes or shape in shapes]
    parts = next(iter(by_shape.values()), ())
    return tuple(Bucket(part.start_ns, add_totals([some[n].totals for some in chosen])) for n, part in enumerate(parts))


def likely_part(query: RunQuery, bars: Sequence[Bucket]) -> RunQuery | None:
    """The same list in the part of its range that holds its first page; None when only the whole range surely does.

    A list in order of time needs a day of a month, not the month.
    """
    if query.cursor or query.order not in {"", "oldest"}:
        return None
    number = 0
    for n in range(len(bars)) if query.order else reversed(range(len(bars))):
        number += bars[n].totals.runs
        if number <= query.limit:
            continue
        if not query.order:
            return replace(query, since_ns=max(bars[n].start_ns, query.since_ns or 0))
        return replace(query, until_ns=bars[n + 1].start_ns) if n + 1 < len(bars) else None
    return None
