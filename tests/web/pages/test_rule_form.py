"""The form of an alert rule has the fields of the file, and what it sends is the file's text."""

from __future__ import annotations

import pytest

from insights.alerts.rule import RuleType
from insights.alerts.rule_file import fields_of, parse_rule, rule_yaml
from insights.yaml_place import YamlFileError
from web.pages.alert_rules import example_rule
from web.pages.rule_form import build_form, text_of, values_of

WHOLE = (
    """{id: a, type: threshold, metric: cpsc, window: 2h, above: 0.5, warn: 0.25, min_runs: 30, renotify: 0, every: 10m,
      where: {version: v12, tag: '<b>'}, environment: prod, severity: page, to: [team, owner], enabled: false}""",
    "{id: b, type: spike, workflow: refund, sensitivity: watch, min_impact_usd: 5, fire_after: 2, resolve_after: 3}",
    "{id: c, type: burn, unit: tokens, budget: 2000000, per: 7d, no_data: notify}",
    "{id: d, type: per_run, any: [cost_usd > 2, tool_calls >= 60], window: 1h}",
    "{id: e, type: no_data, window: 6h}",
    "{id: f, type: threshold, metric: success_rate, below: 0, window: 1d}",
)


@pytest.mark.parametrize("text", WHOLE)
def test_a_rule_survives_its_form(text):
    rule = parse_rule(text)
    assert parse_rule(text_of(rule.type, {"enabled": ("on",), **values_of(rule)})) == rule


@pytest.mark.parametrize("kind", RuleType)
def test_every_field_of_the_file_is_in_the_form(kind):
    form = build_form(kind, {}, channels=["team"], workflows=[])
    names = {f.name.split(".")[0] for f in (*form.what, *form.who, *form.filters, *form.loud, *form.pace)} | {
        "to",
        "type",
    }
    assert names == set(fields_of(kind))


@pytest.mark.parametrize("kind", RuleType)
def test_the_example_of_every_kind_can_be_saved_as_it_is(kind):
    rule = example_rule(kind, ["team"])
    assert parse_rule(rule_yaml(rule)) == rule
    form = build_form(kind, values_of(rule), channels=["team"], workflows=["refund"])
    assert form.channels == (("team", True), ("owner", False))
    sent = {f.name: (f.value,) for f in (*form.what, *form.who, *form.filters, *form.loud, *form.pace)}
    assert parse_rule(text_of(kind, {**sent, "to": ("team",)})) == rule


def test_what_cannot_be_read_is_refused_by_the_files_own_words_and_kept_in_the_form():
    sent = {"id": ("a",), "metric": ("cost_usd",), "above": ("a lot",), "window": ("1h",), "enabled": ("on",)}
    with pytest.raises(YamlFileError, match="above"):
        parse_rule(text_of(RuleType.THRESHOLD, sent))
    form = build_form(RuleType.THRESHOLD, sent, channels=[], workflows=[])
    assert next(f.value for f in form.what if f.name == "above") == "a lot"


def test_fields_of_other_kinds_are_left_out():
    sent = {"id": ("a",), "metric": ("cost_usd",), "sensitivity": ("quiet",), "enabled": ("on",)}
    assert parse_rule(text_of(RuleType.DRIFT, sent)).metric == ""


def test_dollars_may_be_written_as_people_do():
    sent = {"id": ("a",), "metric": ("cost_usd",), "above": ("$1,250.50",), "enabled": ("on",)}
    assert parse_rule(text_of(RuleType.THRESHOLD, sent)).above == 1250.5
