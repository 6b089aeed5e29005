"""From a finding to a limit: the rule form or the policy page, filled with what would have caught it."""

from __future__ import annotations

import math
import re
from urllib.parse import quote

from insights.alerts.rule import RuleType
from spans.finding import FeatureChange, Finding, FindingKind
from web.places import Place

_METRICS = {
    "cost_usd": ("cost_per_run", 1.0),
    "latency_ms": ("mean_duration_s", 0.001),
    "error": ("error_rate", 1.0),
    "failure": ("failure_rate", 1.0),
    "handed_off": ("escalation_rate", 1.0),
    "intervention": ("intervention_rate", 1.0),
    "denied": ("denial_rate", 1.0),
}
"""Features that a threshold can watch: the metric, and its unit in units of the feature."""
_USUAL_TIMES = 3
"""A limit of one run is so many times what was usual: close enough to catch, far enough not to cut a long day."""
_RULES = {
    FindingKind.NEAR_MISS: RuleType.NEAR_MISS,
    FindingKind.MALFORMED: RuleType.NEAR_MISS,
    FindingKind.VIOLATION: RuleType.VIOLATION,
    FindingKind.DUPLICATE_WRITE: RuleType.DUPLICATE_WRITE,
    FindingKind.EXPOSURE: RuleType.EXPOSURE,
    FindingKind.BUDGET: RuleType.BURN,
    FindingKind.VERSION: RuleType.VERSION,
}


def limit_href(place: Place, finding: Finding) -> str:
    """Where a limit is made of a finding: what rose most surely and can be limited; else a rule that tells of it again."""
    if finding.kind is FindingKind.LOOP:
        return _rule(place, finding, RuleType.PER_RUN, "loop", any="same_tool_in_a_row >= 5")
    if finding.kind in (FindingKind.DRIFT, FindingKind.SPEND_SPIKE):
        found = next((href for f in finding.features if (href := _feature_href(place, finding, f))), "")
        kind = RuleType.SPIKE if finding.kind is FindingKind.SPEND_SPIKE else RuleType.DRIFT
        return found or _rule(place, finding, kind, kind.value)
    if finding.kind is FindingKind.OBJECTIVE:
        return _policy(place, finding)
    kind = _RULES[finding.kind]
    return _rule(place, finding, kind, kind.value.replace("_", "-"))


def _feature_href(place: Place, finding: Finding, feature: FeatureChange) -> str:
    """A limit on one feature; empty when it did not rise, or nothing limits it."""
    before, after = feature.before, feature.after
    if before is None or after is None or after <= before:
        return ""
    between = (before + after) / 2
    if feature.name == "spend_usd":
        window = f"{finding.detail.get('window_h', 24)}h"
        return _threshold(place, finding, "cost_usd", between, window)
    if feature.name in _METRICS:
        metric, scale = _METRICS[feature.name]
        return _threshold(place, finding, metric, between * scale, "24h")
    most = math.ceil(_USUAL_TIMES * max(before, 1.0))
    if feature.name == "tool_calls":
        return _policy(place, finding, max_tool_calls=most)
    if feature.name == "model_calls":
        return _rule(place, finding, RuleType.PER_RUN, "model-calls", any=f"model_calls > {most}")
    if feature.name.startswith("tools_"):
        return _policy(place, finding, approve=feature.name.removeprefix("tools_"))
    return ""


def _threshold(place: Place, finding: Finding, metric: str, above: float, window: str) -> str:
    name = metric.replace("_", "-")
    return _rule(place, finding, RuleType.THRESHOLD, name, metric=metric, above=f"{above:.3g}", window=window)


def _rule(place: Place, finding: Finding, kind: RuleType, name: str, **fields: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", f"{name}-{finding.workflow}".lower()).strip("-")[:60].rstrip("-")
    return place.bare(
        "/alert-rules/new",
        project=place.project,
        type=kind.value,
        id=slug,
        workflow=finding.workflow,
        environment=finding.environment,
        **fields,
    )


def _policy(place: Place, finding: Finding, **draft: object) -> str:
    return place.bare(f"/policies/{quote(finding.workflow, safe='')}", project=place.project, **draft)
