"""Compares a new version with the one before, valid at every look: promote, hold or roll back (decision 0008)."""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ALPHA = 0.05
"""Chance that a version which changes nothing is ever called different, over all metrics and all looks together."""
MIXTURE_SD = 0.3
"""Width of the mixture in standard deviations of a run: the test is sharpest for differences of about this size."""
ODDS = (1.5, 2.0, 3.0, 5.0)
"""Factors of the odds of a rate that the mixture of rates holds, each way."""
GRID = 41
"""Points at which the unknown rate of the version before is looked at."""
GRID_SD = 5.0
"""How far they reach, in standard deviations of its log odds."""
LEAST_NEW = 20
LEAST_OLD = 50
MOST_RUNS = 480
"""Without a difference after so many runs there is none worth waiting for."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that two versions are compared by."""

    name: str
    share: float
    """Of `ALPHA`. Cost moves first and is asked about most; success is what a version is for."""
    is_rate: bool = False
    is_good: bool = False
    """Whether more of it is better."""


METRICS = (
    Metric("cost_usd", 0.5),
    Metric("success", 0.25, is_rate=True, is_good=True),
    Metric("denied", 0.1, is_rate=True),
    Metric("error", 0.1, is_rate=True),
    Metric("latency_ms", 0.05),
)


class Recommendation(StrEnum):
    """What to do with a new version."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One metric of the new version against the old."""

    metric: str
    before: float
    after: float
    """Medians of numbers, rates of yes/no features."""
    effect: float
    """Difference in standard deviations of a run; positive is worse."""
    p: float
    """Always valid: may be looked at after every run."""
    is_different: bool


@dataclass(frozen=True, slots=True)
class CanaryVerdict:
    """What the runs so far say."""

    recommendation: Recommendation
    metrics: tuple[MetricVerdict, ...]
    new_runs: int
    old_runs: int
    needed_runs: int
    """About how many more runs of the new version it takes; 0 when there is a recommendation."""
    reason: str


def always_valid_p(effect: float, new_runs: int, old_runs: int, mixture_sd: float = MIXTURE_SD) -> float:
    """P of a difference in means, in standard deviations, under a normal mixture: the chance that it is ever so small.

    The mixture sequential probability ratio (Johari, Pekelis and Walsh, 2015): its inverse bounds the chance of ever
    being wrong, however often somebody looks.
    """
    if new_runs < 1 or old_runs < 1:
        return 1.0
    variance = 1 / new_runs + 1 / old_runs
    mixture = mixture_sd**2
    log_ratio = 0.5 * math.log(variance / (variance + mixture)) + effect**2 * mixture / (
        2 * variance * (variance + mixture)
    )
    return min(1.0, math.exp(-log_ratio)) if log_ratio > -700 else 1.0


def always_valid_rate_p(new_yes: int, new_runs: int, old_yes: int, old_runs: int) -> float:
    """P of another rate: one over the Bayes factor of "the odds are some factor of `ODDS` away" against "the rate is as before".

    What the rate was before is not known either: both sides are averaged over its posterior (Jeffreys' prior, by its log
    odds). Under no change the factor is a martingale, so it may be looked at after every run. Unlike a normal
    approximation it knows that one denial among twenty runs says little where one in a hundred was denied.
    """
    if new_runs < 1 or old_runs < 1:
        return 1.0
    yes, no = old_yes + 0.5, old_runs - old_yes + 0.5
    middle, spread = math.log(yes / no), math.sqrt(1 / yes + 1 / no)
    points = [middle + spread * GRID_SD * (2 * n / (GRID - 1) - 1) for n in range(GRID)]
    weights = [_log_likelihood(x, yes, yes + no) for x in points]

    def averaged(shift: float) -> list[float]:
        return [w + _log_likelihood(x + shift, new_yes, new_runs) for x, w in zip(points, weights, strict=True)]

    same = averaged(0.0)
    other = [averaged(sign * math.log(odds)) for odds in ODDS for sign in (1, -1)]
    log_factor = _log_sum([v for values in other for v in values]) - math.log(len(other)) - _log_sum(same)
    return min(1.0, math.exp(-log_factor)) if log_factor > -700 else 1.0


def _log_likelihood(log_odds: float, yes: float, runs: float) -> float:
    return yes * log_odds - runs * (max(log_odds, 0.0) + math.log1p(math.exp(-abs(log_odds))))


def _log_sum(values: Sequence[float]) -> float:
    most = max(values)
    return most + math.log(math.fsum(math.exp(v - most) for v in values))


def judge_version(new: Mapping[str, Sequence[float]], old: Mapping[str, Sequence[float]]) -> CanaryVerdict:
    """Judge a version by its runs so far.

    Args:
        new: Values per metric of runs of the new version; a yes/no metric as 1 and 0. A metric that was not measured is
            left out, and so is a run of which it is not known (success, where nobody judged).
        old: The same of the version before. Rates are compared as rates, positive numbers by their logarithm.
    """
    new_runs = max((len(values) for values in new.values()), default=0)
    old_runs = max((len(values) for values in old.values()), default=0)
    if old_runs < LEAST_OLD or new_runs < LEAST_NEW:
        missing = max(LEAST_NEW - new_runs, 0)
        why = f"{new_runs} of {LEAST_NEW} runs" if missing else f"{old_runs} of {LEAST_OLD} runs of the version before"
        return CanaryVerdict(Recommendation.HOLD, (), new_runs, old_runs, max(missing, 1), f"Too early: {why}.")
    judged = [
        (metric, verdict)
        for metric in METRICS
        if (verdict := _compared(metric, new.get(metric.name, ()), old.get(metric.name, ()))) is not None
    ]
    metrics = tuple(verdict for _, verdict in judged)
    worse = [m for m in metrics if m.is_different and m.effect > 0]
    if worse:
        names = ", ".join(_WORDS[m.metric] for m in worse)
        return CanaryVerdict(Recommendation.ROLL_BACK, metrics, new_runs, old_runs, 0, f"Worse: {names}.")
    needed = max((_needed(metric, m, new, old) for metric, m in judged), default=MOST_RUNS - new_runs)
    if needed <= 0 or new_runs >= MOST_RUNS:
        return CanaryVerdict(Recommendation.PROMOTE, metrics, new_runs, old_runs, 0, "Nothing is worse.")
    return CanaryVerdict(
        Recommendation.HOLD, metrics, new_runs, old_runs, needed, f"No difference so far; about {needed} more runs."
    )


def _compared(metric: Metric, new: Sequence[float], old: Sequence[float]) -> MetricVerdict | None:
    if len(new) < LEAST_NEW or len(old) < LEAST_OLD:
        return None
    if metric.is_rate:
        return _compared_rate(metric, new, old)
    ours, theirs = ([math.log(v) for v in values if v > 0] for values in (new, old))
    if len(ours) < 2 or len(theirs) < 2:
        return None
    # Of both groups, each around its own mean: a difference must not widen what it is measured by.
    rest = [v - m for values, m in ((ours, statistics.fmean(ours)), (theirs, statistics.fmean(theirs))) for v in values]
    spread = math.sqrt(math.fsum(v * v for v in rest) / max(1, len(rest) - 2))
    if spread <= 0:
        return None
    effect = (statistics.fmean(ours) - statistics.fmean(theirs)) / spread
    p = always_valid_p(effect, len(ours), len(theirs))
    return MetricVerdict(
        metric.name, statistics.median(old), statistics.median(new), effect, p, p <= ALPHA * metric.share
    )


def _compared_rate(metric: Metric, new: Sequence[float], old: Sequence[float]) -> MetricVerdict:
    before, after = statistics.fmean(old), statistics.fmean(new)
    effect = (after - before) / _spread_of(sum(old) + sum(new), len(old) + len(new))
    p = always_valid_rate_p(round(sum(new)), len(new), round(sum(old)), len(old))
    worse = -effect if metric.is_good else effect
    return MetricVerdict(metric.name, before, after, worse, p, p <= ALPHA * metric.share)


def _spread_of(yes: float, runs: int) -> float:
    """Standard deviation of a yes/no value; never zero."""
    rate = (yes + 1) / (runs + 2)
    return math.sqrt(rate * (1 - rate))


def _needed(
    metric: Metric, verdict: MetricVerdict, new: Mapping[str, Sequence[float]], old: Mapping[str, Sequence[float]]
) -> int:
    """More runs of the new version until a difference of `MIXTURE_SD` for the worse would have been seen."""
    have, before = len(new[metric.name]), old[metric.name]
    looks = range(have, MOST_RUNS + 1, 10)

    def would_show(runs: int) -> bool:
        if not metric.is_rate:
            return always_valid_p(MIXTURE_SD, runs, len(before)) <= ALPHA * metric.share
        yes = round(sum(before))
        step = MIXTURE_SD * _spread_of(yes, len(before))
        # A rate this near to its end has no room for so large a difference: the largest there is counts.
        rate = min(1.0, max(0.0, verdict.before + (-step if metric.is_good else step)))
        return always_valid_rate_p(round(runs * rate), runs, yes, len(before)) <= ALPHA * metric.share

    if not looks or not would_show(looks[-1]):
        return max(0, MOST_RUNS - have)
    return looks[bisect.bisect_left(looks, True, key=would_show)] - have


_WORDS = {
    "cost_usd": "cost per run",
    "success": "success",
    "denied": "denied calls",
    "error": "errors",
    "latency_ms": "duration",
}
"""Metrics as a sentence names them."""
