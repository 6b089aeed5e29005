"""The two stratified tests in plain Python: what the memory store answers, and what the SQL is tested against (decision 0008)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

LEAST_IN_STRATUM = 3
"""Reference runs that a stratum needs to count."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run's value of one feature; a yes/no feature is 1 or 0."""

    day: int
    """Any number that is the same for runs of one day."""
    stratum: int
    value: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One feature, current runs against reference runs."""

    z: float
    """Positive: the current runs are larger, or more often yes. Not yet divided by the root of the dispersion."""
    effect: float
    """Numbers: P(new > old) - 1/2, ties counted half. Rates: difference of the rates."""
    before: float
    """Numbers: median of the reference. Rates: rate in the reference."""
    after: float
    current_runs: int
    reference_runs: int
    dispersion: float
    """Mean squared z of the reference days against each other, at least 1: how restless days are anyway."""


def compare_numbers(current: Sequence[Sample], reference: Sequence[Sample]) -> Compared | None:
    """Van Elteren's test with the dispersion of days; None when nothing can be compared. Values must be finite."""
    new, old = _finite(current), _finite(reference)
    raw = van_elteren(_pairs(new, old))
    if raw is None:
        return None
    days = [van_elteren(_pairs(day, rest)) for day, rest in _each_day(old)]
    return Compared(
        raw.z,
        raw.shift,
        _median([s.value for s in old]),
        _median([s.value for s in new]),
        raw.current_runs,
        raw.reference_runs,
        dispersion(day.z for day in days if day is not None),
    )


def compare_rates(current: Sequence[Sample], reference: Sequence[Sample]) -> Compared | None:
    """Cochran-Mantel-Haenszel's test with the dispersion of days; any value other than 0 is a yes."""
    new, old = _finite(current), _finite(reference)
    raw = cochran_mantel_haenszel(_tables(new, old))
    if raw is None:
        return None
    days = [cochran_mantel_haenszel(_tables(day, rest)) for day, rest in _each_day(old)]
    return Compared(
        raw.z,
        raw.rate_current - raw.rate_reference,
        raw.rate_reference,
        raw.rate_current,
        raw.current_runs,
        raw.reference_runs,
        dispersion(day.z for day in days if day is not None),
    )


def dispersion(z_of_days: Iterable[float]) -> float:
    """Mean squared z of days that should not differ, at least 1."""
    squares = [z * z for z in z_of_days]
    return max(1.0, math.fsum(squares) / len(squares)) if squares else 1.0


@dataclass(frozen=True, slots=True)
class RankTest:
    """Van Elteren's test: z and the shift of P(new > old) from one half."""

    z: float
    shift: float
    current_runs: int
    reference_runs: int


def van_elteren(strata: Iterable[tuple[Sequence[float], Sequence[float]]]) -> RankTest | None:
    """The stratified rank-sum test with weights 1/(N+1), corrected for ties.

    Args:
        strata: Per stratum the values of current and of reference runs; a stratum with fewer than one current or three
            reference values does not count.

    Returns:
        The test, or None when no stratum counts or all values are equal.
    """
    excess = variance = shift = 0.0
    current_runs = reference_runs = 0
    for current, reference in strata:
        n1, n0 = len(current), len(reference)
        if n1 < 1 or n0 < LEAST_IN_STRATUM:
            continue
        n = n1 + n0
        u, tied = _rank_sum(current, reference)
        weight = 1 / (n + 1)
        excess += weight * (u - n0 * n1 / 2)
        variance += weight * weight * n0 * n1 * (n + 1) / 12 * (1 - tied / (n**3 - n))
        shift += u / n0  # n1 * U / (n0 * n1): strata count by their current runs
        current_runs += n1
        reference_runs += n0
    if variance <= 0:
        return None
    return RankTest(excess / math.sqrt(variance), shift / current_runs - 0.5, current_runs, reference_runs)


def _rank_sum(current: Sequence[float], reference: Sequence[float]) -> tuple[float, float]:
    """Mann-Whitney's U of the current values, and the sum of t^3 - t over ties."""
    ours, all_values = Counter(current), Counter((*current, *reference))
    below, ranks, tied = 0, 0.0, 0.0
    for value in sorted(all_values):
        count = all_values[value]
        ranks += ours[value] * (below + (count + 1) / 2)
        tied += count**3 - count
        below += count
    return ranks - len(current) * (len(current) + 1) / 2, tied


@dataclass(frozen=True, slots=True)
class Table:
    """One stratum of a yes/no feature."""

    current: int
    current_yes: int
    reference: int
    reference_yes: int


@dataclass(frozen=True, slots=True)
class RateTest:
    """Cochran-Mantel-Haenszel's test: z with continuity correction, and the two rates."""

    z: float
    rate_current: float
    rate_reference: float
    current_runs: int
    reference_runs: int


def cochran_mantel_haenszel(tables: Iterable[Table]) -> RateTest | None:
    """The stratified test of two rates; None when no stratum counts or nobody differs."""
    counted = [t for t in tables if t.current >= 1 and t.reference >= LEAST_IN_STRATUM]
    excess = variance = 0.0
    for t in counted:
        n, yes = t.current + t.reference, t.current_yes + t.reference_yes
        excess += t.current_yes - t.current * yes / n
        variance += t.current * t.reference * yes * (n - yes) / (n * n * (n - 1))
    if variance <= 0:
        return None
    current, reference = sum(t.current for t in counted), sum(t.reference for t in counted)
    return RateTest(
        rate_z(excess, variance),
        sum(t.current_yes for t in counted) / current,
        sum(t.reference_yes for t in counted) / reference,
        current,
        reference,
    )


def rate_z(excess: float, variance: float) -> float:
    """Z with continuity correction, which never turns a difference round: at less than half a run there is none."""
    return math.copysign(max(0.0, abs(excess) - 0.5), excess) / math.sqrt(variance)


def _finite(samples: Iterable[Sample]) -> list[Sample]:
    return [s if s.value else replace(s, value=0.0) for s in samples if math.isfinite(s.value)]


def _by_stratum(samples: Iterable[Sample]) -> Mapping[int, list[float]]:
    found: defaultdict[int, list[float]] = defaultdict(list)
    for sample in samples:
        found[sample.stratum].append(sample.value)
    return found


def _pairs(current: Iterable[Sample], reference: Iterable[Sample]) -> list[tuple[list[float], list[float]]]:
    new, old = _by_stratum(current), _by_stratum(reference)
    return [(new[stratum], old[stratum]) for stratum in sorted(new.keys() & old.keys())]


def _tables(current: Iterable[Sample], reference: Iterable[Sample]) -> list[Table]:
    pairs = _pairs(current, reference)
    return [Table(len(new), _yes(new), len(old), _yes(old)) for new, old in pairs]


def _yes(values: Iterable[float]) -> int:
    return sum(1 for value in values if value)


def _each_day(samples: Sequence[Sample]) -> Iterable[tuple[list[Sample], list[Sample]]]:
    """Every day of the reference against its other days."""
    for day in sorted({s.day for s in samples}):
        yield [s for s in samples if s.day == day], [s for s in samples if s.day != day]


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else ordered[half - 1] / 2 + ordered[half] / 2
