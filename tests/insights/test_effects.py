"""Names of tools: what they do, and how grave it is, by one list of words."""

from __future__ import annotations

import pytest

from insights.effects import guess_effect, harm_of
from spans.policy import Policy, ToolEffect


@pytest.mark.parametrize(
    ("tool", "effect"),
    [
        ("refund_order", "write"),
        ("get_refund", "read"),
        ("sendMail", "write"),
        ("mail.send", "irreversible"),
        ("billing-delete-invoice", "irreversible"),
        ("order_lookup", "read"),
        ("refund_status", "read"),
        ("placeOrder", "write"),
        ("process_payment", "irreversible"),
        ("transfer_to_account", "irreversible"),
        ("transfer_funds", "irreversible"),
        ("transfer_to_human_agents", None),
        ("transfer_to_billing_agent", None),
        ("frobnicate", None),
        ("", None),
    ],
)
def test_the_name_of_a_tool_tells_what_it_does(tool, effect):
    assert guess_effect(tool) == effect


@pytest.mark.parametrize(
    ("tool", "harm"),
    [
        ("process_payment", "money"),
        ("place_order", "money"),
        ("update_order", "write"),
        ("sms_customer", "mail"),
        ("destroy_server", "delete"),
        ("deploy", "delete"),
        ("grant_access", "write"),
        ("payment_status", "read"),
        ("frobnicate", "write"),
        ("transfer_to_bank", "money"),
        ("transfer_to_refund_agent", "write"),
    ],
)
def test_the_harm_of_a_tool_and_what_it_does_do_not_contradict_each_other(tool, harm):
    assert harm_of(tool) == harm
    if harm in {"money", "mail", "delete"}:
        assert guess_effect(tool) in {ToolEffect.WRITE, ToolEffect.IRREVERSIBLE}


def test_the_policy_has_the_last_word():
    assert harm_of("process_payment", Policy("r", tool_effects={"process_payment": ToolEffect.READ})) == "read"
