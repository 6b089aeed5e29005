from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from insights.alerts.rule import RuleType
from insights.alerts.rule_file import fields_of, parse_rule
from spans.finding import FeatureChange, FindingKind
from tests.builders import a_finding
from web.limits import limit_href
from web.pages.rule_form import text_of
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(0, 1, "24h"))


def href(features=(), kind=FindingKind.DRIFT, **changes):
    return urlsplit(limit_href(PLACE, a_finding(kind=kind, features=tuple(features), **changes)))


def rule(*features, kind=FindingKind.DRIFT, **changes):
    """The rule that the form makes of the address."""
    found = href(features, kind, **changes)
    assert found.path == "/alert-rules/new"
    asked = {name: tuple(values) for name, values in parse_qs(found.query).items()}
    made = RuleType(asked["type"][0])
    return parse_rule(text_of(made, {k: v for k, v in asked.items() if k in fields_of(made)}))


def test_what_became_dearer_is_limited_between_before_and_after():
    made = rule(FeatureChange("output_tokens", 9, 20, 9.0), FeatureChange("cost_usd", 0.011, 0.015, 5.2, "usd"))
    assert (made.type, made.metric, made.above, made.window_s) == (RuleType.THRESHOLD, "cost_per_run", 0.013, 86_400)
    assert (made.workflow, made.environment) == ("refund-agent", "production")
    assert rule(FeatureChange("latency_ms", 1000, 3000, 5.0, "ms")).above == 2.0
    assert rule(FeatureChange("denied", 0.01, 0.03, 5.0, "share")).metric == "denial_rate"


def test_a_spike_is_limited_over_its_window():
    spent = FeatureChange("spend_usd", 2.0, 10.0, 8.0, "usd")
    made = rule(spent, kind=FindingKind.SPEND_SPIKE, detail={"window_h": 3})
    assert (made.metric, made.above, made.window_s) == ("cost_usd", 6.0, 3 * 3600)


@pytest.mark.parametrize(
    ("feature", "query"),
    [
        (FeatureChange("tool_calls", 4, 9, 6.0), {"max_tool_calls": ["12"]}),
        (FeatureChange("tools_issue refund", 0, 0.4, 6.0), {"approve": ["issue refund"]}),
    ],
)
def test_tools_lead_to_a_draft_of_the_policy(feature, query):
    found = href([feature], workflow="a/b")
    assert found.path == "/policies/a%2Fb"
    assert parse_qs(found.query) == {"project": ["default"], **query}


def test_what_fell_or_cannot_be_limited_is_told_of_again():
    made = rule(FeatureChange("cost_usd", 2, 1, -9.0), FeatureChange("retrieval_score", 0.2, 0.8, 9.0))
    assert (made.type, made.workflow) == (RuleType.DRIFT, "refund-agent")


@pytest.mark.parametrize("kind", list(FindingKind))
def test_every_finding_leads_to_a_form_that_can_be_read(kind):
    if kind is FindingKind.OBJECTIVE:
        assert href(kind=kind).path == "/policies/refund-agent"
    else:
        assert rule(kind=kind, workflow="Ünïcode / agent" * 9).rule_id


def test_a_loop_is_limited_per_run():
    made = rule(kind=FindingKind.LOOP)
    assert str(made.any_of[0].metric) == "same_tool_in_a_row"
