"""tracetape itself: something it accepted is stuck, set aside or withheld."""

from __future__ import annotations

from collections.abc import Sequence

from insights.alerts.inputs import Inputs
from insights.alerts.machine import Look, Reading
from insights.alerts.rule import Rule

ITSELF = "tracetape"
"""Stands where a workflow's name stands."""


def evaluate_health(rule: Rule, inputs: Inputs, _now_ns: int) -> Sequence[Reading]:
    """One reading per trouble; the alert of a trouble that is gone is ended by the driver."""
    return [
        Reading(ITSELF, "", Look.BAD, group=trouble.name, severity=rule.severity, sentence=trouble.sentence)
        for trouble in inputs.troubles()
    ]
