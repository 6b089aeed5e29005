"""Small drawings made on the server as SVG numbers: the line of a tile and the bars of a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 120.0
HEIGHT = 28.0
_PAD = 2.0


@dataclass(frozen=True, slots=True)
class Spark:
    """A line in a 120 x 28 box. `points` is an SVG polyline; empty when there are fewer than two values."""

    points: str = ""
    last_x: float = 0.0
    last_y: float = 0.0


def spark(values: Sequence[float | None]) -> Spark:
    """Draw the known values; gaps are bridged, the last known value gets a dot."""
    known = [(i, float(v)) for i, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return Spark()
    low = min(0.0, *(v for _, v in known))
    high = max(v for _, v in known)
    span = (high - low) or 1.0
    step = (WIDTH - 2 * _PAD) / max(1, len(values) - 1)

    def place(index: int, value: float) -> tuple[float, float]:
        return round(_PAD + index * step, 1), round(HEIGHT - _PAD - (value - low) / span * (HEIGHT - 2 * _PAD), 1)

    drawn = [place(i, v) for i, v in known]
    return Spark(" ".join(f"{x},{y}" for x, y in drawn), *drawn[-1])


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """One bar in percent of its box, a link to its own range, and its words."""

    x: float
    width: float
    height: float
    bad: float
    denied: bool
    href: str
    words: str
    start_ns: int


def heights(values: Sequence[int]) -> tuple[float, ...]:
    """Heights in percent of the tallest; something is never drawn as nothing."""
    top = max(values, default=0)
    return tuple(0.0 if not v else max(4.0, round(100 * v / top, 1)) for v in values)
