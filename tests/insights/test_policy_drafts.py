from __future__ import annotations

import pytest

from insights.policy_drafts import limited, loosened, with_approval
from insights.policy_file import parse_policy
from store.ledger.policies import PolicyVersion

TEXT = """\
# ours
workflow_id: refunds
allowed_tools: [lookup]
require_approval: [pay]
denied_tools: [issue_refund, drop]
limits: {max_tool_calls: 3, max_cost_usd: 0.35}
"""


def in_force(text=TEXT, workflow="refunds"):
    return [PolicyVersion("default", workflow, 1, "d", text, "a", "ui", "", 1)]


@pytest.mark.parametrize(
    ("tool", "rule", "left"),
    [
        ("issue_refund", "denied_tools", (("lookup", "issue_refund"), ("pay",), ("drop",))),
        ("pay", "", (("lookup", "pay"), (), ("issue_refund", "drop"))),
        ("mail", "allowed_tools", (("lookup", "mail"), ("pay",), ("issue_refund", "drop"))),
    ],
)
def test_a_tool_is_let_through_and_nothing_else_changes(tool, rule, left):
    draft = loosened(in_force(), "refunds", tool, rule)
    policy = parse_policy(draft.text)
    assert (policy.allowed_tools, policy.require_approval, policy.denied_tools) == left
    assert policy.limits == parse_policy(TEXT).limits
    assert draft.text.startswith("# ours\n")
    assert draft.words.startswith(f"Loosened: {tool} is")


def test_a_limit_that_stopped_a_run_goes_and_the_others_stay():
    draft = loosened(in_force(), "refunds", "", "max_tool_calls")
    limits = parse_policy(draft.text).limits
    assert (limits.max_tool_calls, str(limits.max_cost_usd)) == (None, "0.35")
    assert draft.words == "Loosened: max_tool_calls is gone."


def test_what_another_control_stopped_is_said_so():
    draft = loosened([], "refunds", "issue_refund", "refund-cap")
    assert parse_policy(draft.text).workflow_id == "refunds"
    assert "another control stopped it" in draft.words


def test_the_policy_for_all_is_loosened_for_one_workflow():
    draft = loosened(in_force("workflow_id: '*'\ndenied_tools: [pay]\n", "*"), "refunds", "pay", "denied_tools")
    policy = parse_policy(draft.text)
    assert (policy.workflow_id, policy.denied_tools) == ("refunds", ())


def test_a_text_that_this_program_cannot_read_is_not_built_upon():
    assert loosened(in_force("workflow_id: refunds\nold: 1\n"), "refunds", "pay", "").text == "workflow_id: refunds\n"


def test_a_limit_is_set_beside_the_others():
    limits = parse_policy(limited(in_force(), "refunds", "max_tokens", 1_250_000).text).limits
    assert (limits.max_tokens, limits.max_tool_calls, str(limits.max_cost_usd)) == (1_250_000, 3, "0.35")


def test_a_tool_is_made_to_wait_for_a_person():
    policy = parse_policy(with_approval(in_force(), "refunds", "lookup").text)
    assert (policy.require_approval, policy.allowed_tools) == (("pay", "lookup"), ())
    assert "already" in with_approval(in_force(), "refunds", "drop").words
