"""Finds records: values that leave everything a series has shown so far (decision 0008)."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

HOLD_BACK = 72
"""Values before a series may set a record: a young series sets one all the time (the n-th value with chance 1/n)."""

COOL_DOWN_SHARE = 0.05
COOL_DOWN_MOST = 750
"""While an alert is open only a higher score speaks: 5 % of the values seen so far, at most 750."""

HIGHEST_SCORE = 9.0
"""What one view may add. A jump off a flat line is infinitely many times its range; it must not drown the rest."""

LARGEST_VALUE = 1e100
"""Beyond it squares leave the range of a float; such values are treated as gaps."""

ALERT_SCORE = 0.1
"""The default limit: a tenth of everything seen so far beyond its edge, all views together."""

_DAY_S = 86_400
_SLOT_S = 3_600
_SEASON_DAYS = 14
_MEAN_OF = 5
_MEDIAN_OF = 12
_SPREAD_OF = 48
_SMALLEST_SPREAD = 1e-9
"""As a share of the largest value so far: below it a series is flat, whatever rounding says."""


class View(StrEnum):
    """The ways a series is looked at; each keeps its own records."""

    VALUE = "value"
    RESIDUAL = "residual"
    """Value minus the median of the same hour on the last 14 days."""
    RESIDUAL_MEAN = "residual_mean"
    """Mean of the last 5 residuals: small, but for long."""
    MEDIAN = "median"
    """Median of the last 12 values: a new level, whatever single values do."""
    SPREAD = "spread"
    """Logarithm of the standard deviation of the last 48 values: unusually restless or unusually still."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one value is worth as a record."""

    score: float
    """Beyond the old record in units of the old range, summed over the views; 0 = no record, or an open alert."""
    view: View | None = None
    """The view that says most."""
    is_high: bool = True
    """Whether that view left its range upwards."""


class RecordDetector:
    """Scores a series value by value; a score depends on this value and earlier ones only."""

    def __init__(self) -> None:
        self._ranges = {view: _Range() for view in View}
        self._season = _Season()
        self._residuals: deque[float] = deque(maxlen=_MEAN_OF)
        self._median = _RollingMedian(_MEDIAN_OF)
        self._recent: deque[float] = deque(maxlen=_SPREAD_OF)
        self._largest = 0.0
        self._seen = 0
        self._open: deque[tuple[int, float]] = deque()

    def observe(self, ts_s: int, value: float | None) -> Reading:
        """Take the next value.

        Args:
            ts_s: When it was measured, seconds since the epoch; only its hour of day and its day matter.
            value: In any unit; None, not finite or beyond 1e100 is a gap and scores 0.
        """
        self._seen += 1
        if value is None or not math.isfinite(value) or abs(value) > LARGEST_VALUE:
            return Reading(0.0)
        total, strongest, best_view = 0.0, 0.0, None
        for view, seen in self._views(ts_s, value):
            distance = self._ranges[view].leave(seen)
            total += abs(distance)
            if abs(distance) > abs(strongest):
                strongest, best_view = distance, view
        if not self._speaks(total):
            return Reading(0.0)
        return Reading(total, best_view, strongest > 0)

    def _views(self, ts_s: int, value: float) -> Iterator[tuple[View, float]]:
        self._largest = max(self._largest, abs(value))
        self._median.add(value)
        self._recent.append(value)
        yield View.VALUE, value
        residual = self._season.residual(ts_s, value)
        if residual is not None:
            self._residuals.append(residual)
            yield View.RESIDUAL, residual
            if len(self._residuals) == _MEAN_OF:
                yield View.RESIDUAL_MEAN, math.fsum(self._residuals) / _MEAN_OF
        if self._median.is_full():
            yield View.MEDIAN, self._median.value()
        if len(self._recent) == _SPREAD_OF:
            yield View.SPREAD, math.log(max(_spread(self._recent), self._largest * _SMALLEST_SPREAD, 1e-300))

    def _speaks(self, score: float) -> bool:
        """Whether no open alert has been as high; the alert stays open for the cool-down."""
        length = max(1, min(COOL_DOWN_MOST, int(COOL_DOWN_SHARE * self._seen)))
        while self._open and self._open[0][0] < self._seen - length:
            self._open.popleft()
        if score <= (self._open[0][1] if self._open else 0.0):
            return False
        self._open.clear()  # every open one was lower
        self._open.append((self._seen, score))
        return True


def record_scores(points: Iterable[tuple[int, float | None]]) -> list[float]:
    """Score a whole series of (seconds, value); causal: a prefix of the series gives a prefix of the scores."""
    detector = RecordDetector()
    return [detector.observe(ts_s, value).score for ts_s, value in points]


class _Range:
    """The lowest and highest so far."""

    def __init__(self) -> None:
        self._count = 0
        self._low = math.inf
        self._high = -math.inf

    def leave(self, value: float) -> float:
        """How far a value leaves the range, in units of the range (negative: below), and widen the range by it."""
        above, below = value - self._high, self._low - value
        width = self._high - self._low
        self._count += 1
        self._low, self._high = min(self._low, value), max(self._high, value)
        outside = max(above, below)
        if self._count <= HOLD_BACK or outside <= 0:
            return 0.0
        distance = min(HIGHEST_SCORE, outside / width) if width > 0 else HIGHEST_SCORE
        return distance if above > 0 else -distance


class _Season:
    """What the same hour of earlier days looked like; as robust on five-minute values as on hourly ones."""

    def __init__(self) -> None:
        self._today = -1
        self._hours: dict[int, deque[tuple[int, float]]] = {}
        self._usual: dict[int, float | None] = {}

    def residual(self, ts_s: int, value: float) -> float | None:
        day, hour = ts_s // _DAY_S, ts_s % _DAY_S // _SLOT_S
        if day != self._today:  # the past days of an hour do not change during a day
            self._today = day
            self._usual = {}
        if hour not in self._usual:
            self._usual[hour] = self._median_before(day, hour)
        self._hours.setdefault(hour, deque()).append((day, value))
        usual = self._usual[hour]
        return None if usual is None else value - usual

    def _median_before(self, day: int, hour: int) -> float | None:
        kept = self._hours.setdefault(hour, deque())
        while kept and kept[0][0] < day - _SEASON_DAYS:
            kept.popleft()
        past = sorted(value for of_day, value in kept if of_day < day)
        return _middle(past) if past else None


class _RollingMedian:
    def __init__(self, size: int) -> None:
        self._size = size
        self._queue: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        self._queue.append(value)
        insort(self._sorted, value)
        if len(self._queue) > self._size:
            del self._sorted[bisect_left(self._sorted, self._queue.popleft())]

    def is_full(self) -> bool:
        return len(self._queue) == self._size

    def value(self) -> float:
        return _middle(self._sorted)


def _middle(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def _spread(values: deque[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) * (v - mean) for v in values) / (len(values) - 1))
