from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.alerts.rule import Comparison, RunCondition, Severity, WhenSilent
from insights.alerts.rule_file import alerts_yaml, parse_alerts, parse_rule, rule_yaml
from insights.yaml_place import YamlFileError

WHOLE = """\
defaults: {every: 10m, renotify: 6h, no_data: zero, to: [team]}
rules:
  - {id: spend, type: threshold, workflow: refund-agent, metric: cost_usd, window: 1d, above: 50, warn: 40, severity: page}
  - {id: spike, type: spike, workflow: "*", sensitivity: quiet, min_impact_usd: 5, to: [oncall, owner]}
  - {id: run-cap, type: per_run, any: [cost_usd > 2, tool_calls >= 60, same_tool_in_a_row >= 5], window: 2h}
  - {id: budget, type: burn, unit: tokens, budget: 2000000, per: 1d}
  - {id: quiet, type: no_data, window: 6h, where: {version: v12}}
silences:
  - {match: {workflow: refund-agent}, until: 2026-12-01T00:00Z, reason: planned model move}
"""


def test_a_whole_file_is_read():
    file = parse_alerts(WHOLE)
    spend, spike, cap, budget, quiet = file.rules
    assert (spend.above, spend.warn, spend.window_s, spend.severity) == (50.0, 40.0, 86_400, Severity.PAGE)
    assert (spend.every_s, spend.renotify_s, spend.when_silent, spend.to) == (600, 21_600, WhenSilent.ZERO, ("team",))
    assert spike.to == ("oncall", "owner")
    assert cap.any_of[2] == RunCondition("same_tool_in_a_row", Comparison.AT_LEAST, 5.0)
    assert (budget.unit, budget.budget, budget.per_days) == ("tokens", 2_000_000.0, 1)
    assert quiet.where == {"version": "v12"}
    assert file.silences[0].until_ns == 1_796_083_200 * 10**9


def test_a_rule_survives_being_written_and_read():
    rules = parse_alerts(WHOLE).rules
    assert tuple(parse_rule(rule_yaml(rule)) for rule in rules) == rules
    assert parse_alerts(alerts_yaml(rules)).rules == rules


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{id: a, type: threshold, metric: cost_usd}", "line 2: rules[0] needs one of above and below"),
        ("{id: a, type: threshold, metric: cost, above: 1}", "Use one of: cost_usd"),
        ("{id: a, type: threshold, metric: cost_usd, above: 1, warn: 2}", "not reached before the limit"),
        ("{id: A!, type: health}", "Use small letters"),
        ("{id: a, type: helth}", "Use one of: threshold"),
        ("{id: a, type: health, wndow: 1h}", "unknown name 'wndow'"),
        ("{id: a, type: threshold, metric: runs, below: 1, window: 7m}", "multiple of every"),
        ("{id: a, type: per_run, any: [cost_usd is high]}", "Write it like cost_usd > 2"),
        ("{id: a, type: burn, unit: tokens}", "no budget"),
        ("{id: a, type: no_data, window: 99d}", "at most 30d"),
        ("{type: health}", "lacks id"),
    ],
)
def test_a_refusal_names_the_line_and_what_to_write(line, says):
    with pytest.raises(YamlFileError) as refused:
        parse_alerts(f"rules:\n  - {line}\n")
    assert says in str(refused.value)
    assert "line 2" in str(refused.value)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(YamlFileError, match="repeats the id 'a'"):
        parse_alerts("rules:\n  - {id: a, type: health}\n  - {id: a, type: health}\n")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(YamlFileError):
        parse_alerts(text)


def test_a_switch_is_read_written_and_refused():
    rule = parse_rule("{id: a, type: violation, switch: stop}")
    assert rule.switch == "stop"
    assert parse_rule(rule_yaml(rule)) == rule
    with pytest.raises(YamlFileError, match="draft_only"):
        parse_rule("{id: a, type: violation, switch: run}")
