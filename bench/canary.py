"""Scores the comparison of versions: how often a version that changes nothing is rolled back, how soon +30 % cost is seen.

    python -m bench.canary --versions 300 --seed 1

Every version has 480 runs against 600 of the one before, looked at after every tenth run, over cost, duration and errors at once. Costs
and durations are log-normal with sigma 0.7, so +30 % cost are 0.37 standard deviations of the logarithm; 5 % of the runs fail.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from insights.canary import LEAST_NEW, Recommendation, judge_version

SIGMA = 0.7
RUNS = 480
BEFORE = 600


def _runs(rng: random.Random, count: int, factor: float) -> dict[str, list[float]]:
    return {
        "cost_usd": [factor * rng.lognormvariate(-4, SIGMA) for _ in range(count)],
        "latency_ms": [rng.lognormvariate(8, SIGMA) for _ in range(count)],
        "error": [float(rng.random() < 0.05) for _ in range(count)],
    }


def rolled_back(factor: float, seed: int) -> float:
    """Runs until a version with so many times the cost was rolled back; infinite when it never was."""
    rng = random.Random(f"{seed}/{factor}")
    old, new = _runs(rng, BEFORE, 1.0), _runs(rng, RUNS, factor)
    for runs in range(LEAST_NEW, RUNS + 1, 10):
        seen = {metric: values[:runs] for metric, values in new.items()}
        if judge_version(seen, old).recommendation is Recommendation.ROLL_BACK:
            return runs
    return math.inf


def main() -> None:
    """Simulate, look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seeds = [arguments.seed * 100_000 + n for n in range(arguments.versions)]
    with ProcessPoolExecutor(max_workers=2) as pool:
        for factor in (1.0, 1.2, 1.3):
            found = list(pool.map(partial(rolled_back, factor), seeds))
            back = sum(math.isfinite(runs) for runs in found)
            print(
                f"cost x{factor}: {back} of {len(found)} rolled back, after a median of {statistics.median(found):g} runs"
            )


if __name__ == "__main__":
    main()
