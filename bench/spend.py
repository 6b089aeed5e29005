"""Scores the spend detector on simulated workflows: false alarms, surges, doubled prices, single dear runs.

    python -m bench.spend --seed 1 --workflows 60 [--sigma 0.8] [--day-effect 0.08]

Every workflow has 28 days of hourly spend: a peak by hour, quieter weekends, an effect of the day, log-normal run costs, as many runs as
a Poisson draw gives. False: alerts of the whole series (within 12 hours they are one) per workflow-week. Found: an alert while the change
lasts. Changes begin in weeks three and four, four per workflow; each one on a copy of the untouched history. Limits are tuned on other
seeds than those that are reported.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from insights.spend import Sensitivity, SpendDetector

DAYS = 28
START = 491_064
VOLUMES = (15, 100, 700)
APART_H = 12


@dataclass(frozen=True, slots=True)
class Made:
    """One simulated workflow."""

    seed: int
    per_day: int
    sigma: float
    day_effect: float
    sensitivity: Sensitivity = Sensitivity.NORMAL


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson draw; the normal one for large means."""
    if mean > 200:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def measure(made: Made) -> dict[str, list[float]]:
    """False episodes of one workflow, and 1 or 0 for every change of every kind."""
    rng = random.Random(f"{made.seed}/{made.per_day}")
    peak, width, weekend = rng.uniform(9, 15), rng.uniform(3.5, 6), rng.uniform(0.25, 0.7)
    median = math.exp(rng.uniform(-5, -2))
    effects = [rng.lognormvariate(0, made.day_effect) for _ in range(DAYS)]

    def hour_of(at: int, times: float = 1.0, price: float = 1.0, extra: float = 0.0) -> tuple[float, int]:
        day, hour = divmod(at, 24)
        z = (hour + 0.5 - peak + 12) % 24 - 12
        mean = made.per_day * (0.15 + math.exp(-0.5 * (z / width) ** 2)) / (0.15 * 24 + width * 2.5066)
        runs = poisson(rng, mean * (weekend if day % 7 >= 5 else 1) * times)
        spend = sum(effects[day] * rng.lognormvariate(math.log(median), made.sigma) for _ in range(runs))
        return spend * price + extra * median, runs + (extra > 0)

    late = range(14 * 24, (DAYS - 2) * 24)
    by_day = [at for at in late if 7 <= at % 24 < 18]
    changes = {
        "surge x4, 3 h, any hour": (rng.sample(late, 4), 3, {"times": 4.0}),
        "surge x4, 3 h, by day": (rng.sample(by_day, 4), 3, {"times": 4.0}),
        "price x2, 24 h": (rng.sample(late, 2), 24, {"price": 2.0}),
        "one run x150": (rng.sample(late, 2), 1, {"extra": 150.0}),
    }
    detector, fired = SpendDetector(made.sensitivity), []
    scores: dict[str, list[float]] = defaultdict(list)
    for at in range(DAYS * 24):
        for name, (begins, hours, change) in changes.items():
            if at in begins:
                tried = copy.deepcopy(detector)
                found = [tried.add(START + at + n, *hour_of(at + n, **change)).fires for n in range(hours)]
                scores[name].append(any(found))
                day = "weekend" if at // 24 % 7 >= 5 else "working day"
                if name.startswith("surge"):
                    scores[f"{name}, {day}"].append(any(found))
        if detector.add(START + at, *hour_of(at)).fires:
            fired.append(at)
    episodes = sum(not n or at - fired[n - 1] > APART_H for n, at in enumerate(fired))
    scores["false per workflow-week"].append(episodes / (DAYS / 7))
    return scores


def main() -> None:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workflows", type=int, default=60, help="per volume")
    parser.add_argument("--sigma", type=float, default=0.8, help="of the logarithm of a run's cost")
    parser.add_argument("--day-effect", type=float, default=0.08)
    parser.add_argument("--sensitivity", type=Sensitivity, default=Sensitivity.NORMAL, choices=list(Sensitivity))
    parser.add_argument("--volumes", default=",".join(map(str, VOLUMES)), help="runs a day")
    arguments = parser.parse_args()
    for per_day in map(int, arguments.volumes.split(",")):
        made = [
            Made(arguments.seed * 10_000 + n, per_day, arguments.sigma, arguments.day_effect, arguments.sensitivity)
            for n in range(arguments.workflows)
        ]
        totals: dict[str, list[float]] = defaultdict(list)
        with ProcessPoolExecutor(max_workers=2) as pool:
            for scores in pool.map(measure, made):
                for name, values in scores.items():
                    totals[name] += values
        told = {name: round(sum(v) / len(v), 3) for name, v in sorted(totals.items())}
        print(json.dumps({"runs a day": per_day, "workflows": len(made), **told}, indent=1))


if __name__ == "__main__":
    main()
