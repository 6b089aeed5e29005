"""Finds spend spikes: a level-aware z over 1, 3 and 24 hours against the same hours of earlier weeks (decision 0008).

The number of runs is judged the same way beside the spend: a surge of runs shows surer in their number, which knows no dear
runs, than in what they cost.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

WINDOWS_H = (1, 3, 24)
RUN_WINDOWS = 2
"""The number of runs is judged over the first two windows; over a day it says no more than the spend."""
RUN_LEVEL = 3.0
"""What stands for a typical run where runs are counted: fewer than two of them are no level, and chance alone strays by one root."""


class Sensitivity(StrEnum):
    """How readily a spike is called one; the form shows the measured false alarms beside each."""

    QUIET = "quiet"
    NORMAL = "normal"
    WATCH = "watch"


LIMITS: Mapping[Sensitivity, tuple[float, float, float]] = MappingProxyType(
    {Sensitivity.QUIET: (7.0, 6.0, 5.0), Sensitivity.NORMAL: (6.0, 5.0, 5.0), Sensitivity.WATCH: (5.0, 4.0, 4.0)}
)
"""z at which a window of 1, 3, 24 hours fires."""

LEAST_RATIO = 1.3
"""A spike is at least 30 % above what was expected, however quiet the workflow usually is."""

LEARNING_HOURS = 72
"""Hours with a baseline before a z is given: until then only limits in USD can speak."""

_WEEK_H = 168
_WEEKS = 3
_DAYS = 7
_LEAST_DAYS = 3
_SCALE_H = 14 * 24
_PRIOR_RUNS = 30.0
"""Typical runs that a correction of the last days has to outweigh: a few runs of last week are no pattern."""
_MOST_CORRECTION = 5.0
_KEEP_H = _WEEKS * _WEEK_H + 2 * 24
"""Windows that a baseline can look back at; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class WindowReading:
    """One window that ends with the hour at hand."""

    hours: int
    spend: float
    expected: float | None
    """None: no baseline yet."""
    z: float | None
    """Of the spend, or of the number of runs where that is surer and the spend rises too. None: still learning."""
    fires: bool
    limit: float | None = None
    """Spend from which on it fires, whatever the number of runs; None while learning."""

    @property
    def excess(self) -> float:
        """Spend above the expectation, in the unit of the spend; the impact that a notification's floor looks at."""
        return self.spend - self.expected if self.expected is not None else 0.0


@dataclass(frozen=True, slots=True)
class SpendReading:
    """What the hour at hand says over all windows."""

    hour: int
    """Hours since the epoch, UTC."""
    windows: tuple[WindowReading, ...]
    score: float
    """Largest z as a share of its limit; 1 or more means that a window fires. 0 while learning."""

    @property
    def fires(self) -> bool:
        """Whether any window is beyond its limit."""
        return any(window.fires for window in self.windows)


class SpendDetector:
    """Follows the spend of one (project, environment, workflow); causal, and needs no clock."""

    def __init__(self, sensitivity: Sensitivity = Sensitivity.NORMAL) -> None:
        self._windows = tuple(
            _Window(hours, limit) for hours, limit in zip(WINDOWS_H, LIMITS[sensitivity], strict=True)
        )
        self._run_windows = tuple(_Window(window.hours, window.limit) for window in self._windows[:RUN_WINDOWS])
        self._counts = False
        """Whether the number of runs was ever told."""
        self._closed: list[tuple[float, int | None]] = []
        self._hour: int | None = None
        self._spend = 0.0
        self._runs: int | None = None
        self._typical = 0.0

    def add(self, hour: int, spend: float, runs: int | None = None) -> SpendReading:
        """Add spend to an hour and read the windows that end with it; hours between are hours without spend.

        Args:
            hour: Hours since the epoch. An hour may be added to until a later one comes.
            spend: In USD, tokens or any unit that adds up; finite and not negative.
            runs: How many runs spent it, if known; they tell what a typical run costs.

        Raises:
            ValueError: the hour lies before the one at hand, or the spend is not a finite number of at least 0.
        """
        self.feed(hour, spend, runs)
        readings = tuple(self._read(number) for number in range(len(self._windows)))
        shares = [r.z / w.limit for r, w in zip(readings, self._windows, strict=True) if r.z is not None and _rises(r)]
        return SpendReading(hour, readings, max(0.0, *shares, 0.0))

    def _read(self, number: int) -> WindowReading:
        """One window of the spend, with the z of the number of runs where that is larger and both rise."""
        reading = self._windows[number].read(self._spend, self._typical)
        if not self._counts or number >= len(self._run_windows) or reading.z is None or not _rises(reading):
            return reading
        runs = self._run_windows[number].read(float(self._runs or 0), RUN_LEVEL)
        if runs.z is None or runs.z <= reading.z or not _rises(runs):
            return reading
        return replace(reading, z=runs.z, fires=reading.fires or runs.fires)

    def feed(self, hour: int, spend: float, runs: int | None = None) -> None:
        """Add spend to an hour without reading it: for history that was read before. See `add`."""
        if not (math.isfinite(spend) and spend >= 0):
            raise ValueError("spend must be a finite number of at least 0")
        if self._hour is None:
            self._hour = hour
        if hour < self._hour:
            raise ValueError("hours must not go back")
        self._advance(hour)
        self._spend += spend
        if runs is not None:
            self._counts = True
            self._runs = (self._runs or 0) + runs

    def _advance(self, hour: int) -> None:
        """Close every hour before this one. After a silence longer than all baselines nothing is left to compare."""
        if self._hour is not None and hour - self._hour > _KEEP_H + _SCALE_H:
            self._closed.clear()
            for window in (*self._windows, *self._run_windows):
                window.forget()
            self._hour, self._spend, self._runs = hour, 0.0, None
        while self._hour is not None and self._hour < hour:
            for window in self._windows:
                window.close(self._spend, self._typical)
            for window in self._run_windows if self._counts else ():
                window.close(float(self._runs or 0), RUN_LEVEL)
            self._closed.append((self._spend, self._runs))
            del self._closed[:-_SCALE_H]
            self._hour, self._spend, self._runs = self._hour + 1, 0.0, None
            if self._hour == hour or self._hour % 24 == 0:
                self._typical = typical_run(self._closed)


def _rises(reading: WindowReading) -> bool:
    return reading.expected is not None and reading.spend > LEAST_RATIO * reading.expected


def typical_run(hours: Sequence[tuple[float, int | None]]) -> float:
    """What a typical run costs, from (spend, runs) of hours; without counts a quiet hour with spend stands for it."""
    counted = [spend / runs for spend, runs in hours if runs and spend > 0]
    if counted:
        return statistics.median(counted)
    spent = sorted(spend for spend, _ in hours if spend > 0)
    return spent[len(spent) // 10] if spent else 0.0


class _Window:
    """One window: its sums so far, and how far they were from what was expected."""

    def __init__(self, hours: int, limit: float) -> None:
        self.hours = hours
        self.limit = limit
        self.forget()

    def forget(self) -> None:
        self._spends: list[float] = []
        self._sums: list[float] = []
        self._deviations: list[float | None] = []
        self._usual: float | None = None
        self._usuals: list[float | None] = []
        self._expected: float | None = None
        self._spread: float | None = None
        self._is_spread_known = False

    def close(self, spend: float, typical: float) -> None:
        """The running hour ends with this spend."""
        total = self._sum(spend)
        deviation = None if self._expected is None else _deviation(total, self._expected, typical)
        self._deviations.append(deviation)
        del self._deviations[: -_SCALE_H - self.hours]
        self._sums.append(total)
        del self._sums[:-_KEEP_H]
        self._usuals.append(self._usual)
        del self._usuals[:-_KEEP_H]
        self._spends.append(spend)
        del self._spends[: -self.hours]
        self._expected = self._baseline(typical)
        self._is_spread_known = False

    def read(self, spend: float, typical: float) -> WindowReading:
        total = self._sum(spend)
        if (
            not self._is_spread_known
        ):  # only when somebody reads: a sort per hour of history would cost more than all else
            self._spread, self._is_spread_known = self._scale(), True
        if self._expected is None or self._spread is None:
            return WindowReading(self.hours, total, self._expected, None, fires=False)
        scale = max(self._spread, 0.7 * math.sqrt(typical))
        deviation = _deviation(total, self._expected, typical)
        z = deviation / scale if scale > 0 else 0.0
        fires = z >= self.limit and total > LEAST_RATIO * self._expected
        level = max(self._expected, typical / 2)
        limit = max(LEAST_RATIO * self._expected, self._expected + self.limit * scale * math.sqrt(max(0.0, level)))
        return WindowReading(self.hours, total, self._expected, z, fires, limit)

    def _sum(self, spend: float) -> float:
        earlier = self._spends[-(self.hours - 1) :] if self.hours > 1 else []
        return math.fsum(earlier) + spend

    def _baseline(self, typical: float) -> float | None:
        """Half the same hours of up to three weeks, half the median of the same hour on the last seven days.

        The median is corrected by how far it was off at these hours of earlier weeks: on a Sunday the last seven days are
        mostly working days, and nobody has told us which days are Sundays.
        """
        days = [self._back(24 * day) for day in range(1, _DAYS + 1)]
        same_hour = [s for s in days if s is not None]
        self._usual = statistics.median(same_hour) if len(same_hour) >= _LEAST_DAYS else None
        if self._usual is None:
            return None
        corrected = self._usual * self._correction(typical)
        weeks = [self._back(_WEEK_H * week + shift) for week in range(1, _WEEKS + 1) for shift in (-1, 0, 1)]
        same_week = [s for s in weeks if s is not None]
        if len(same_week) < _LEAST_DAYS:
            return corrected
        return 0.5 * (corrected + math.fsum(same_week) / len(same_week))

    def _correction(self, typical: float) -> float:
        spent = thought = _PRIOR_RUNS * typical * math.sqrt(self.hours)
        for week in range(1, _WEEKS + 1):
            for shift in (-2, -1, 0, 1, 2):
                hours = _WEEK_H * week + shift
                was, usual = self._back(hours), self._usuals[-hours] if hours <= len(self._usuals) else None
                if was is not None and usual is not None:
                    spent, thought = spent + was, thought + usual
        if thought <= 0:
            return 1.0
        return min(_MOST_CORRECTION, max(1 / _MOST_CORRECTION, spent / thought))

    def _back(self, hours: int) -> float | None:
        """The sum that ended so many hours before the running one, if the whole window was seen."""
        position = len(self._sums) - hours
        unseen = self.hours - 1 if len(self._sums) < _KEEP_H else 0
        return self._sums[position] if position >= unseen else None

    def _scale(self) -> float | None:
        """How much this window strays on its own; the last hours, which may be the spike itself, left out.

        The far end is looked at upwards only: the first weekend, of which nobody knew, lies far below its expectation, and would
        make two weeks deaf.
        """
        kept = self._deviations[: len(self._deviations) - (self.hours - 1)]
        strayed = sorted(d for d in kept[-_SCALE_H:] if d is not None)
        if len(strayed) < LEARNING_HOURS:
            return None
        middle = statistics.median(abs(d) for d in strayed)
        return max(1.4826 * middle, strayed[min(len(strayed) - 1, int(0.99 * len(strayed)))] / 2.6)


def _deviation(total: float, expected: float, typical: float) -> float:
    """Distance in units of the level's root: what makes quiet nights and busy noons comparable."""
    level = max(expected, typical / 2)
    return (total - expected) / math.sqrt(level) if level > 0 else 0.0
