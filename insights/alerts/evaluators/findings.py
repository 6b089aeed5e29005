"""Detectors' findings: an alert while a finding is open, or was seen a short while ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from insights.alerts.inputs import Inputs, Told
from insights.alerts.machine import Look, Reading
from insights.alerts.rule import Rule, RuleType, Sensitivity

HOUR_NS = 3_600_000_000_000

EVENTS = frozenset({RuleType.NEAR_MISS, RuleType.VIOLATION, RuleType.DUPLICATE_WRITE, RuleType.EXPOSURE})
"""Findings about something that happened once. They end an hour after they were last seen; the others when closed."""

DRIFT_LIMITS: Mapping[Sensitivity, float] = {
    Sensitivity.QUIET: 4.5,
    Sensitivity.NORMAL: 4.0,
    Sensitivity.WATCH: 3.5,
}
SPIKE_LIMITS: Mapping[Sensitivity, float] = {
    Sensitivity.QUIET: 1.2,
    Sensitivity.NORMAL: 1.0,
    Sensitivity.WATCH: 0.8,
}
"""In multiples of the detector's own limit, which differs by window."""

FALSE_ALARMS: Mapping[Sensitivity, str] = {
    Sensitivity.QUIET: "fewer than 0.1 false alarms per workflow and week",
    Sensitivity.NORMAL: "about 0.18 false alarms per workflow and week at 15 runs a day, 0.01 at 700",
    Sensitivity.WATCH: "about 0.33 false alarms per workflow and week at 15 runs a day, 0.04 at 700",
}
"""Measured for spend spikes on simulated fleets (docs/decisions/0008-detectors.md); shown beside the choice."""


def evaluate_findings(rule: Rule, inputs: Inputs, now_ns: int) -> Sequence[Reading]:
    """One reading per finding the rule covers."""
    return [
        _reading(rule, told, now_ns)
        for told in inputs.findings(rule, now_ns)
        if rule.covers(told.workflow, told.environment) and _is_loud(rule, told)
    ]


def calm_again_ns(told: Told) -> int:
    """When something that happened once is over."""
    return told.last_seen_ns + HOUR_NS


def _is_loud(rule: Rule, told: Told) -> bool:
    if rule.min_impact_usd and told.impact_usd is not None and told.impact_usd < rule.min_impact_usd:
        return False
    if told.score is None:
        return True
    if rule.type is RuleType.DRIFT:
        return abs(told.score) >= DRIFT_LIMITS[rule.sensitivity]
    return rule.type is not RuleType.SPIKE or told.score >= SPIKE_LIMITS[rule.sensitivity]


def _reading(rule: Rule, told: Told, now_ns: int) -> Reading:
    bad = told.was_open(now_ns) and (rule.type not in EVENTS or now_ns < calm_again_ns(told))
    return Reading(
        told.workflow,
        told.environment,
        Look.BAD if bad else Look.GOOD,
        group=told.group or told.finding_id,
        severity=rule.severity,
        value=told.score,
        sentence=told.sentence,
        run_ids=told.run_ids,
        finding_id=told.finding_id,
        began_ns=told.since_ns,
    )
