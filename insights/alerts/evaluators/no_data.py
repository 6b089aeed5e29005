"""A workflow that used to run and does not any more."""

from __future__ import annotations

from collections.abc import Sequence

from insights.alerts.inputs import Inputs
from insights.alerts.machine import Look, Reading
from insights.alerts.metrics import Sums, length
from insights.alerts.rule import Rule

SECOND_NS = 1_000_000_000


def evaluate_no_data(rule: Rule, inputs: Inputs, now_ns: int) -> Sequence[Reading]:
    """Bad while a workflow of the last 30 days had no run in the window."""
    found = inputs.sums(rule, now_ns - rule.window_s * SECOND_NS, now_ns)
    readings = []
    for key in sorted(found.keys() | inputs.known(rule, now_ns)):
        runs = found.get(key, Sums()).runs
        look = Look.GOOD if runs else Look.BAD
        sentence = "" if runs else f"{key[0]} had no run in the last {length(rule.window_s)}."
        readings.append(
            Reading(key[0], key[1], look, severity=rule.severity, value=float(runs), limit=1.0, sentence=sentence)
        )
    return readings
