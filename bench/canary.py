"""Scores the comparison of versions: how often a version that changes nothing is rolled back, how soon what is worse is seen.

    python -m bench.canary --versions 300 --seed 1

Every version has 480 runs against 600 of the one before, looked at after every tenth run, over every metric at once. Costs and
durations are log-normal with sigma 0.7, so +30 % cost are 0.37 standard deviations of the logarithm; 5 % of the runs fail with an error, 90 % of
the judged ones succeed (half are judged), 2 % have a denied call.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from insights.canary import LEAST_NEW, Recommendation, judge_version

SIGMA = 0.7
RUNS = 480
BEFORE = 600
USUAL = {"cost": 1.0, "success": 0.9, "denied": 0.02, "error": 0.05, "judged": 0.5}
VERSIONS: Mapping[str, Mapping[str, float]] = {
    "nothing changes": {},
    "cost x1.2": {"cost": 1.2},
    "cost x1.3": {"cost": 1.3},
    "success 90 % to 80 %, half judged": {"success": 0.8},
    "success 90 % to 70 %, half judged": {"success": 0.7},
    "success 90 % to 80 %, all judged": {"success": 0.8, "judged": 1.0},
    "success 90 % to 70 %, all judged": {"success": 0.7, "judged": 1.0},
    "denied 2 % to 6 %": {"denied": 0.06},
    "denied 2 % to 10 %": {"denied": 0.1},
    "errors 5 % to 15 %": {"error": 0.15},
}


def _runs(rng: random.Random, count: int, usual: Mapping[str, float]) -> dict[str, list[float | None]]:
    return {
        "cost_usd": [usual["cost"] * rng.lognormvariate(-4, SIGMA) for _ in range(count)],
        "latency_ms": [rng.lognormvariate(8, SIGMA) for _ in range(count)],
        "error": [float(rng.random() < usual["error"]) for _ in range(count)],
        "denied": [float(rng.random() < usual["denied"]) for _ in range(count)],
        "success": [
            float(rng.random() < usual["success"]) if rng.random() < usual["judged"] else None for _ in range(count)
        ],
    }


def rolled_back(change: Mapping[str, float], seed: int) -> float:
    """Runs until a version that differs so was rolled back; infinite when it never was."""
    rng = random.Random(f"{seed}/{sorted(change.items())}")
    judged = {"judged": change.get("judged", USUAL["judged"])}
    old, new = _known(_runs(rng, BEFORE, USUAL | judged)), _runs(rng, RUNS, USUAL | dict(change))
    for runs in range(LEAST_NEW, RUNS + 1, 10):
        seen = _known({metric: values[:runs] for metric, values in new.items()})
        if judge_version(seen, old).recommendation is Recommendation.ROLL_BACK:
            return runs
    return math.inf


def _known(values: Mapping[str, list[float | None]]) -> dict[str, list[float]]:
    return {metric: [v for v in some if v is not None] for metric, some in values.items()}


def main() -> None:
    """Simulate, look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seeds = [arguments.seed * 100_000 + n for n in range(arguments.versions)]
    with ProcessPoolExecutor(max_workers=2) as pool:
        for name, change in VERSIONS.items():
            found = list(pool.map(partial(rolled_back, change), seeds))
            back = sum(math.isfinite(runs) for runs in found)
            median = statistics.median(found)
            print(f"{name}: {back} of {len(found)} rolled back, after a median of {median:g} runs", flush=True)


if __name__ == "__main__":
    main()
