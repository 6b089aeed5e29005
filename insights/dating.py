"""Dates a change that was already found: where in a series the level moved (decision 0008)."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from store.measures import Point

BUCKET_NS = 6 * 3600 * 1_000_000_000
"""A block of the day, as in the strata: the hour of the day cannot look like a change."""
WEIGHTY = 5
"""A bucket of fewer runs is left out unless too few are left."""
LEAST_BUCKETS = 6


def date_change(points: Sequence[Point], reference_until_ns: int) -> int | None:
    """When the level moved, in Unix nanoseconds: the start of the first bucket of the new level.

    Args:
        points: Buckets of `BUCKET_NS`, oldest first.
        reference_until_ns: Points before it tell what is usual at each block of the day.

    Returns:
        The moment, or None when there are too few points to say.
    """
    kept = [point for point in points if point.runs >= WEIGHTY]
    kept = kept if len(kept) >= LEAST_BUCKETS else list(points)
    if len(kept) < LEAST_BUCKETS:
        return None
    blocks: defaultdict[int, list[float]] = defaultdict(list)
    for point in kept:
        if point.start_ns < reference_until_ns:
            blocks[_block(point)].append(point.value)
    usual = {block: statistics.median(values) for block, values in blocks.items()}
    middle = statistics.median(point.value for point in kept)
    signal = [point.value - usual.get(_block(point), middle) for point in kept]
    return kept[_split(signal)].start_ns


def _block(point: Point) -> int:
    return point.start_ns // BUCKET_NS % 4


def _split(signal: Sequence[float]) -> int:
    """The position that splits a signal best into two levels."""
    import numpy as np
    import ruptures

    values = np.asarray(signal).reshape(-1, 1)
    return int(ruptures.Binseg(model="l2", min_size=2, jump=1).fit(values).predict(n_bkps=1)[0])
