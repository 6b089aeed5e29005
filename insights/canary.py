"""Compares a new version with the one before, valid at every look: promote, hold or roll back (decision 0008)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ALPHA = 0.05
"""Chance that a version which changes nothing is ever called different, over all metrics and all looks together."""
SHARES: Mapping[str, float] = {"cost_usd": 0.8, "error": 0.1, "latency_ms": 0.1}
"""How the chance is split; cost moves first and is asked about most."""
MIXTURE_SD = 0.3
"""Width of the mixture in standard deviations of a run: the test is sharpest for differences of about this size."""
LEAST_NEW = 20
LEAST_OLD = 50
MOST_RUNS = 480
"""Without a difference after so many runs there is none worth waiting for."""


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
    """Difference in standard deviations; positive is worse."""
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


def judge_version(
    new: Mapping[str, Sequence[float]], old: Mapping[str, Sequence[float]], rates: frozenset[str] = frozenset({"error"})
) -> CanaryVerdict:
    """Judge a version by its runs so far.

    Args:
        new: Values per metric of runs of the new version; a yes/no metric as 1 and 0. Every metric counts as worse when
            it is larger.
        old: The same of the version before.
        rates: Metrics that are yes/no; others are positive numbers and compared by their logarithm.
    """
    new_runs = max((len(values) for values in new.values()), default=0)
    old_runs = max((len(values) for values in old.values()), default=0)
    if old_runs < LEAST_OLD or new_runs < LEAST_NEW:
        missing = max(LEAST_NEW - new_runs, 0)
        why = f"{new_runs} of {LEAST_NEW} runs" if missing else f"{old_runs} of {LEAST_OLD} runs of the version before"
        return CanaryVerdict(Recommendation.HOLD, (), new_runs, old_runs, max(missing, 1), f"Too early: {why}.")
    metrics = tuple(
        verdict
        for metric in SHARES
        if (verdict := _compared(metric, new.get(metric, ()), old.get(metric, ()), is_rate=metric in rates)) is not None
    )
    worse = [m for m in metrics if m.is_different and m.effect > 0]
    if worse:
        names = ", ".join(m.metric for m in worse)
        return CanaryVerdict(Recommendation.ROLL_BACK, metrics, new_runs, old_runs, 0, f"Worse: {names}.")
    needed = max((_needed(m, new_runs, old_runs) for m in metrics), default=MOST_RUNS - new_runs)
    if needed <= 0 or new_runs >= MOST_RUNS:
        return CanaryVerdict(Recommendation.PROMOTE, metrics, new_runs, old_runs, 0, "Nothing is worse.")
    return CanaryVerdict(
        Recommendation.HOLD, metrics, new_runs, old_runs, needed, f"No difference so far; about {needed} more runs."
    )


def _compared(metric: str, new: Sequence[float], old: Sequence[float], *, is_rate: bool) -> MetricVerdict | None:
    if len(new) < LEAST_NEW or len(old) < LEAST_OLD:
        return None
    ours, theirs = ([v if is_rate else math.log(v) for v in values if is_rate or v > 0] for values in (new, old))
    if len(ours) < 2 or len(theirs) < 2:
        return None
    # Of both groups, each around its own mean: a difference must not widen what it is measured by.
    rest = [v - m for values, m in ((ours, statistics.fmean(ours)), (theirs, statistics.fmean(theirs))) for v in values]
    spread = math.sqrt(math.fsum(v * v for v in rest) / max(1, len(rest) - 2))
    if is_rate:
        pooled = (sum(ours) + sum(theirs) + 1) / (len(ours) + len(theirs) + 2)
        spread = math.sqrt(pooled * (1 - pooled))
    if spread <= 0:
        return None
    effect = (statistics.fmean(ours) - statistics.fmean(theirs)) / spread
    p = always_valid_p(effect, len(ours), len(theirs))
    middle = statistics.fmean if is_rate else statistics.median
    return MetricVerdict(metric, middle(old), middle(new), effect, p, p <= ALPHA * SHARES[metric])


def _needed(metric: MetricVerdict, new_runs: int, old_runs: int) -> int:
    """More runs of the new version until a difference of `MIXTURE_SD` would have been seen."""
    for runs in range(new_runs, MOST_RUNS + 1, 10):
        if always_valid_p(MIXTURE_SD, runs, old_runs) <= ALPHA * SHARES[metric.metric]:
            return max(0, runs - new_runs)
    return max(0, MOST_RUNS - new_runs)
