from __future__ import annotations

from decimal import Decimal

import pytest

from insights.policy_file import parse_policy
from insights.policy_text import limits_value, list_value, new_text, success_value, with_entry
from spans.policy import SuccessRule

TEXT = """\
# ours
workflow_id: refunds
success:
  status: ok   # for now
  no_denials: true

limits: {max_tool_calls: 3}  # few
"""


def test_an_entry_is_replaced_where_it_stands_and_the_rest_is_left_alone():
    written = with_entry(TEXT, "success", "{status: ok}")
    assert written == TEXT.replace(
        "success:\n  status: ok   # for now\n  no_denials: true\n\n", "success: {status: ok}\n"
    )
    assert with_entry(TEXT, "limits", "{max_tokens: 1}").endswith("no_denials: true\n\nlimits: {max_tokens: 1}\n")


def test_a_new_entry_comes_last():
    assert with_entry("workflow_id: a", "success", "{status: ok}") == "workflow_id: a\nsuccess: {status: ok}\n"


@pytest.mark.parametrize("text", ["[a, b]\n", "{workflow_id: a}\n", "a: [\n"])
def test_what_is_no_plain_table_is_left_alone(text):
    assert with_entry(text, "success", "{}") == text


@pytest.mark.parametrize(
    "workflow", ["refunds", "no", "1.5", "a: b", 'quo"te', "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber", "*"]
)
def test_any_name_is_read_back(workflow):
    assert parse_policy(new_text(workflow)).workflow_id == workflow


def test_a_success_rule_is_read_back():
    rule = SuccessRule(status="ok", no_denials=True, min_scores={"helpful ness": 0.7}, final_tool="issue: refund")
    assert parse_policy(with_entry("workflow_id: a\n", "success", success_value(rule))).success == rule


def test_a_list_is_read_back():
    names = ["get_order", "yes", "mcp:refund", "#x"]
    assert parse_policy(with_entry("workflow_id: a\n", "allowed_tools", list_value(names))).allowed_tools == tuple(
        names
    )


def test_numbers_keep_their_digits_and_are_read_back_as_numbers():
    limits = {"max_tokens": 2_000_000, "max_duration_s": 1234567.5, "max_cost_usd": Decimal("0.1234567")}
    read = parse_policy(with_entry("workflow_id: a\n", "limits", limits_value(limits))).limits
    assert (read.max_tokens, read.max_duration_s, read.max_cost_usd) == tuple(limits.values())
    rule = SuccessRule(min_scores={"chars": 1e6, "fine": 0.12345678})
    assert parse_policy(with_entry("workflow_id: a\n", "success", success_value(rule))).success == rule
