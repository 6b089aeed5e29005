"""A single run that breaks a bound, whatever the others do."""

from __future__ import annotations

from collections.abc import Sequence

from insights.alerts.inputs import Inputs
from insights.alerts.machine import Look, Reading
from insights.alerts.metrics import Sums, length
from insights.alerts.rule import Rule

SECOND_NS = 1_000_000_000


def evaluate_per_run(rule: Rule, inputs: Inputs, now_ns: int) -> Sequence[Reading]:
    """Bad while a run that began within the window meets one of the conditions."""
    found = inputs.sums(rule, now_ns - rule.window_s * SECOND_NS, now_ns)
    bound = " or ".join(condition.told() for condition in rule.any_of)
    readings = []
    for key in sorted(found.keys() | inputs.known(rule, now_ns)):
        n = found.get(key, Sums()).matching
        runs = "1 run" if n == 1 else f"{n} runs"
        sentence = f"{key[0]}: {runs} {bound} in the last {length(rule.window_s)}."
        look = Look.BAD if n else Look.GOOD
        reading = Reading(
            key[0], key[1], look, severity=rule.severity, value=float(n), limit=0.0, sentence=sentence if n else ""
        )
        readings.append(reading)
    return readings
