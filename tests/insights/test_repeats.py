"""Repeats: a write done twice is found at once, a safe repeat is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from insights.repeats import WITHIN_NS, ToolCall, find_duplicate_writes
from runs.arguments import split_idempotency_key
from spans.canonical import content_digest
from spans.ids import RunId
from spans.kinds import ToolOutcome
from spans.policy import ToolEffect
from tests.builders import NOW_NS, SECOND_NS, a_span_id

RUN, OTHER_RUN = RunId("a" * 32), RunId("b" * 32)


def call(number=1, **changes):
    made = ToolCall(
        environment="production",
        workflow="refunds",
        tool="refund_order",
        arguments_hash="f00d",
        at_ns=NOW_NS + number * SECOND_NS,
        run_id=RUN,
        span_id=a_span_id(number),
        outcome=ToolOutcome.OK,
        call_id=f"call_{number}",
    )
    return replace(made, **changes)


def test_a_refund_that_was_made_twice_is_found():
    (found,) = find_duplicate_writes([call(1), call(2)])
    assert [c.call_id for c in found.calls] == ["call_1", "call_2"]
    assert found.sentence == "refund_order succeeded twice with equal arguments in one run, 1 s apart."


def test_a_repeat_in_another_run_is_found():
    (found,) = find_duplicate_writes([call(1), call(7200, run_id=OTHER_RUN), call(7201, run_id=OTHER_RUN)])
    assert found.sentence == "refund_order succeeded 3 times with equal arguments in 2 runs, 2 h apart."


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": ToolOutcome.ERROR},
        {"outcome": ToolOutcome.DENIED},
        {"outcome": ToolOutcome.TIMEOUT},
        {"outcome": None},
        {"arguments_hash": "beef"},
        {"tool": "refund_invoice"},
        {"workflow": "billing"},
        {"environment": "staging"},
        {"call_id": "call_1"},
        {"at_ns": NOW_NS + SECOND_NS + WITHIN_NS + 1},
    ],
)
def test_it_is_no_duplicate_when(changes):
    assert find_duplicate_writes([call(1), call(2, **changes)]) == ()


def test_the_same_idempotency_key_is_a_safe_repeat_and_another_key_is_not():
    assert find_duplicate_writes([call(1, idempotency_key="k"), call(2, idempotency_key="k")]) == ()
    assert len(find_duplicate_writes([call(1, idempotency_key="k"), call(2, idempotency_key="l")])) == 1
    assert len(find_duplicate_writes([call(1, idempotency_key="k"), call(2)])) == 1


def test_a_retry_that_succeeded_counts_as_one_success():
    assert find_duplicate_writes([call(1, outcome=ToolOutcome.ERROR), call(2)]) == ()
    assert len(find_duplicate_writes([call(1, outcome=ToolOutcome.RETRIED_THEN_OK), call(2)])) == 1


def test_unknown_arguments_are_never_equal():
    assert find_duplicate_writes([call(1, arguments_hash=""), call(2, arguments_hash="")]) == ()


def test_order_and_repetition_of_what_is_given_do_not_matter():
    calls = [call(1), call(2), call(3, arguments_hash="beef"), call(4, arguments_hash="beef")]
    assert find_duplicate_writes([*reversed(calls), *calls]) == find_duplicate_writes(calls)
    assert len(find_duplicate_writes(calls)) == 2


def test_reading_twice_is_fine_and_the_policy_has_the_last_word():
    reads = [call(1, tool="get_refund"), call(2, tool="get_refund")]
    assert find_duplicate_writes(reads) == ()
    assert len(find_duplicate_writes(reads, {"get_refund": ToolEffect.WRITE})) == 1
    assert find_duplicate_writes([call(1), call(2)], {"refund_order": ToolEffect.READ}) == ()


@pytest.mark.parametrize(
    "tool",
    [
        *("process_payment", "make_payment", "capture_payment", "payout", "purchase_item", "place_order", "buy_stock"),
        *("execute_trade", "notify_customer", "sms_customer", "grant_access", "revoke_access", "reset_password"),
        *("disable_user", "invoiceCustomer", "place-market-order", "slack.message", "email_report", "ship_order"),
        *("email_order_status", "destroy_server", "complete_checkout", "payments.create"),
    ],
)
def test_an_ordinary_write_that_was_done_twice_is_found(tool):
    assert len(find_duplicate_writes([call(1, tool=tool), call(2, tool=tool)])) == 1


@pytest.mark.parametrize(
    "tool",
    [
        *("get_payment", "list_orders", "payment_status", "refund_policy", "transfer_history", "credit_check"),
        *("order_items", "order_status", "search_messages", "email_search", "message_history", "invoice_details"),
        *("verify_payment", "calculate_refund", "payment_methods", "check_access", "credit_card_limit", "stock_price"),
        *("email_address", "trade_history", "exchange_rate", "refund_report", "make_order_summary", "place_details"),
        *("frobnicate", "weather", "execute_query", "process_document", "convert_currency", "run_report", "access", ""),
    ],
)
def test_a_repeated_read_or_a_name_that_tells_nothing_is_no_finding(tool):
    assert find_duplicate_writes([call(1, tool=tool), call(2, tool=tool)]) == ()


@pytest.mark.parametrize("name", ["idempotency_key", "idempotencyKey", "Idempotency-Key", "ClientRequestToken"])
def test_arguments_are_compared_without_their_idempotency_key(name):
    bare = content_digest({"order": 1, "headers": {}})
    assert split_idempotency_key({"order": 1, "headers": {}}) == ("", "")
    assert split_idempotency_key({"order": 1, "headers": {}, name: "k1"}) == (bare, "k1")
    assert split_idempotency_key({"order": 1, "headers": {name: "k1"}}) == (bare, "k1")


@pytest.mark.parametrize("arguments", [None, "text", [1, {"idempotency_key": "k"}], {"idempotency_key": ""}, {}])
def test_arguments_without_a_key_have_none(arguments):
    assert split_idempotency_key(arguments)[1] == ""
