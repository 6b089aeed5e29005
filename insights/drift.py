"""Tests whether behaviour changed: van Elteren for numbers, Cochran-Mantel-Haenszel for yes/no (decision 0008).

The store computes the tests in ClickHouse (`store.measures`); `store.rank_tests` holds them in plain Python.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from store.rank_tests import Compared, Sample, compare_numbers, compare_rates

LEAST_RUNS = 30
"""Runs in the current window; below it there is no verdict, only limits."""

LEAST_REFERENCE = 50
LEAST_SHIFT = 0.06
"""Floor for numbers: how far P(new run > old run) has to be from one half."""

LEAST_POINTS = 0.05
LEAST_POINTS_OF_RARE = 0.02
LEAST_FACTOR = 1.5
"""Floor for rates: 5 points, or 2 points together with a factor of 1.5 either way."""


class DriftLevel(StrEnum):
    """How sure a change is."""

    NONE = "none"
    WATCH = "watch"
    ALERT = "alert"


WATCH_Z = 3.5
ALERT_Z = 4.0
"""p = 6e-5: about 45 features, 2 windows and 4 looks a day leave 0.06 false alarms per workflow-week."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a test says of one feature, current window against reference."""

    z: float
    """Positive: the current runs are larger, or more often yes. Already divided by the root of the dispersion."""
    effect: float
    """Numbers: P(new > old) - 1/2, ties counted half. Rates: difference of the rates."""
    before: float
    """Numbers: median of the reference. Rates: rate in the reference."""
    after: float
    current_runs: int
    reference_runs: int
    dispersion: float
    """Mean squared z of the reference days against each other, at least 1: how restless days are anyway."""
    above_floor: bool

    @property
    def level(self) -> DriftLevel:
        """The verdict: sure and large enough to matter."""
        if not self.above_floor or abs(self.z) < WATCH_Z:
            return DriftLevel.NONE
        return DriftLevel.ALERT if abs(self.z) >= ALERT_Z else DriftLevel.WATCH


def stratum_of(moment: datetime) -> int:
    """The block of the week: working day or weekend, by six hours, 0 to 7, in the moment's own time zone."""
    return (moment.weekday() >= 5) * 4 + moment.hour // 6


def judge_number(current: Sequence[Sample], reference: Sequence[Sample]) -> Change | None:
    """Van Elteren's test of a number, corrected for restless days; None with too few runs or nothing to compare."""
    compared = compare_numbers(current, reference)
    return judge(compared, is_rate=False) if compared is not None else None


def judge_rate(current: Sequence[Sample], reference: Sequence[Sample]) -> Change | None:
    """Cochran-Mantel-Haenszel's test of a yes/no feature, corrected for restless days; None as in `judge_number`."""
    compared = compare_rates(current, reference)
    return judge(compared, is_rate=True) if compared is not None else None


def judge(compared: Compared, *, is_rate: bool) -> Change | None:
    """The verdict on one compared feature; None with too few runs."""
    if compared.current_runs < LEAST_RUNS or compared.reference_runs < LEAST_REFERENCE:
        return None
    matters = rate_matters(compared.before, compared.after) if is_rate else abs(compared.effect) >= LEAST_SHIFT
    return Change(
        z=compared.z / math.sqrt(compared.dispersion),
        effect=compared.effect,
        before=compared.before,
        after=compared.after,
        current_runs=compared.current_runs,
        reference_runs=compared.reference_runs,
        dispersion=compared.dispersion,
        above_floor=matters,
    )


def rate_matters(before: float, after: float) -> bool:
    """Whether two rates differ enough for anybody to care, however sure the difference is."""
    points = abs(after - before)
    low, high = sorted((before, after))
    return points >= LEAST_POINTS or (points >= LEAST_POINTS_OF_RARE and high >= LEAST_FACTOR * low)
