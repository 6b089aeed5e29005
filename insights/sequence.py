"""Tests whether a workflow uses its tools in another order: one test over all tools and pairs of tools (decision 0008)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from store.measures import ToolRow

if TYPE_CHECKING:
    import numpy as np

PERMUTATIONS = 80
MOST_TOOLS = 12
MOST_PAIRS = 20
LEAST_CURRENT = 30
LEAST_REFERENCE = 50
LEAST_IN_STRATUM = 3
LEAST_POINTS = 0.05
"""Floor: some tool or pair has to move by so many points, however sure the whole is."""
MOST_Z = 12.0
"""The gamma tail of eighty permutations says nothing beyond this."""
_SEED = 20_261_120


@dataclass(frozen=True, slots=True)
class SequenceChange:
    """What the test says of the order of tools."""

    z: float
    """Of a normal distribution with the same tail."""
    moved: tuple[tuple[str, float, float], ...]
    """(tool, or `a > b`; share of runs before; after), what moved most first."""


def sequence_change(rows: Sequence[ToolRow]) -> SequenceChange | None:
    """The sum of stratified z² over tools and frequent pairs, against permutations inside the strata.

    None with too few runs, without tools, or when nothing moved by `LEAST_POINTS`. The permutations are the same each
    time: the same rows give the same answer.
    """
    import numpy as np

    current = sum(row.is_current for row in rows)
    if current < LEAST_CURRENT or len(rows) - current < LEAST_REFERENCE:
        return None
    said = [_names(row.tools) for row in rows]
    names = _frequent(said)
    if not names:
        return None
    yes = np.array([[name in run for name in names] for run in said], dtype=float)
    groups = np.array([row.is_current for row in rows])
    strata = np.array([row.stratum for row in rows])
    used = _used(strata, groups)
    blocks = [(yes[strata == s], int(groups[strata == s].sum())) for s in used]
    if not blocks:
        return None
    observed = sum((yes[(strata == s) & groups].sum(0) for s in used), np.zeros(len(names)))
    expected, variance = _moments(blocks, np)
    if not (variance > 0).any():
        return None
    random = np.random.default_rng(_SEED)
    chance = np.array([_statistic(_permuted(blocks, random, np), expected, variance, np) for _ in range(PERMUTATIONS)])
    z = _tail(float(_statistic(observed, expected, variance, np)), chance, np)
    before, after = yes[~groups].mean(0), yes[groups].mean(0)
    order = np.argsort(-np.abs(after - before))
    moved = tuple((names[n], float(before[n]), float(after[n])) for n in order[:5])
    return SequenceChange(z, moved) if abs(moved[0][2] - moved[0][1]) >= LEAST_POINTS else None


def _names(tools: Sequence[str]) -> frozenset[str]:
    pairs = (f"{a} > {b}" for a, b in zip(("start", *tools), tools, strict=False))
    return frozenset((*tools, *pairs))


def _frequent(said: Sequence[frozenset[str]]) -> list[str]:
    counts = Counter(name for run in said for name in run)
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    tools = [name for name in ordered if " > " not in name][:MOST_TOOLS]
    pairs = [name for name in ordered if " > " in name][:MOST_PAIRS]
    return [name for name in (*tools, *pairs) if LEAST_IN_STRATUM <= counts[name] < len(said)]


def _used(strata: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]) -> list[int]:
    return [
        s
        for s in sorted(set(strata.tolist()))
        if groups[strata == s].any() and (~groups[strata == s]).sum() >= LEAST_IN_STRATUM
    ]


def _moments(blocks: Sequence[tuple[Any, int]], np: Any) -> tuple[Any, Any]:
    """Expected yes of the current group and its variance, summed over the strata (hypergeometric)."""
    expected = variance = np.zeros(blocks[0][0].shape[1])
    for yes, n1 in blocks:
        n, k = len(yes), yes.sum(0)
        expected = expected + n1 * k / n
        variance = variance + n1 * (n - n1) * k * (n - k) / (n * n * max(1, n - 1))
    return expected, variance


def _permuted(blocks: Sequence[tuple[Any, int]], random: Any, np: Any) -> Any:
    return sum((yes[random.permutation(len(yes))[:n1]].sum(0) for yes, n1 in blocks), np.zeros(blocks[0][0].shape[1]))


def _statistic(observed: Any, expected: Any, variance: Any, np: Any) -> Any:
    return np.where(variance > 0, (observed - expected) ** 2 / np.where(variance > 0, variance, 1), 0).sum()


def _tail(observed: float, chance: Any, np: Any) -> float:
    """The z of a normal distribution whose tail is that of a gamma distribution fitted to what chance gave."""
    from scipy.stats import gamma, norm

    mean, spread = float(np.mean(chance)), float(np.var(chance, ddof=1))
    if spread <= 0 or mean <= 0:
        return 0.0
    log_p = float(gamma.logsf(observed, mean * mean / spread, scale=spread / mean))
    p = math.exp(max(log_p, -80.0))
    return min(MOST_Z, float(norm.isf(p)))
