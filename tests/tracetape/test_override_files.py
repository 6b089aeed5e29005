"""Prices and names in files: what they say is what is read, and a mistake names its line."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from spans.errors import SettingsError
from spans.naming import NamingRule
from tracetape.override_files import parse_prices, parse_rules, read_prices

PAGE = Path(__file__).parents[2] / "docs" / "prices-and-names.md"
JANUARY_NS = 1_767_225_600_000_000_000


def examples():
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_examples_of_the_page_are_read():
    prices, rules = examples()
    (row,) = parse_prices(prices)
    assert (row.model, row.provider, row.prices["cache_read"]) == ("gpt-4o*", "openai", Decimal("0.55"))
    assert row.from_ns == JANUARY_NS
    first, second = parse_rules(rules)
    assert (first.project, first.rule) == ("*", NamingRule("refunds", service="support-*", agent="refund_agent"))
    assert (second.project, second.rule) == ("default", NamingRule("refunds", named="refund-bot"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prices:\n- name: a\n  model: m", "lacks 'usd_per_million'"),
        ("prices:\n- {name: a, model: m, usd_per_million: {inptu: 1}}", "Did you mean input"),
        ("prices:\n- {name: a, model: m, usd_per_million: {input: -1}}", "Write a number"),
        ("prices:\n- {name: a, model: m, usd_per_million: {}}", "names no price"),
        ("prices:\n- {name: a, model: m, usd_per_million: {input: 1}, from: soon}", "must be a date"),
        ("prices:\n- {name: a, model: m, usd_per_million: {input: 1}, from: 2026-02-01, until: 2026-01-01}", "later"),
        (
            "prices:\n- {name: a, model: m, usd_per_million: {input: 1}}\n- {name: a, model: n, usd_per_million: {input: 1}}",
            "two prices",
        ),
        ("price: []", "unknown name"),
        ("", "empty"),
    ],
)
def test_a_price_that_cannot_be_used_says_why(text, words):
    with pytest.raises(SettingsError, match=re.escape(words)):
        parse_prices(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("workflows:\n- {service: a}", "lacks 'workflow'"),
        ("workflows:\n- {workflow: a}", "matches every run"),
        ("workflows:\n- {workflow: a, servcie: b}", "Did you mean service"),
    ],
)
def test_a_rule_that_cannot_be_used_says_why(text, words):
    with pytest.raises(SettingsError, match=re.escape(words)):
        parse_rules(text)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_prices(tmp_path / "none.yaml")
