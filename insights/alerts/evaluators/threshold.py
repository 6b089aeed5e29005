"""A metric over a window, against a limit."""

from __future__ import annotations

from collections.abc import Sequence

from insights.alerts.inputs import Inputs
from insights.alerts.machine import Look, Reading, look_at
from insights.alerts.metrics import METRICS, Sums, length, shown
from insights.alerts.rule import Rule, Severity, WhenSilent

SECOND_NS = 1_000_000_000


def evaluate_threshold(rule: Rule, inputs: Inputs, now_ns: int) -> Sequence[Reading]:
    """One reading per workflow and environment that the rule covers and that had runs in the last 30 days."""
    found = inputs.sums(rule, now_ns - rule.window_s * SECOND_NS, now_ns)
    keys = sorted(found.keys() | inputs.known(rule, now_ns))
    return [_reading(rule, key, found.get(key, Sums())) for key in keys]


def _reading(rule: Rule, key: tuple[str, str], sums: Sums) -> Reading:
    workflow, environment = key
    metric = METRICS[rule.metric]
    value = metric.of(sums)
    limit = rule.above if rule.above is not None else rule.below or 0.0
    is_above = rule.above is not None
    if not sums.runs and rule.when_silent is not WhenSilent.ZERO:
        # Sums such as spend are 0 without a run, which is good news for a ceiling and no news for a floor.
        value = value if is_above and value == 0 else None
    elif not sums.runs:
        value = 0.0
    look, severity = look_at(value, limit, is_above=is_above), rule.severity
    if rule.warn is not None and look is not Look.BAD:
        look, severity = look_at(value, rule.warn, is_above=is_above), Severity.TICKET
        limit = rule.warn
    if look is Look.BAD and sums.runs < rule.min_runs:
        look = Look.NEAR
    than = "above" if is_above else "below"
    sentence = (
        f"{workflow}: {metric.says} {shown(value, metric.unit)} in the last {length(rule.window_s)}, "
        f"{than} the limit of {shown(limit, metric.unit)}"
    )
    return Reading(workflow, environment, look, severity=severity, value=value, limit=limit, sentence=f"{sentence}.")
