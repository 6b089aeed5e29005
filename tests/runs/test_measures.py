"""The measures of a run: numbers and yes/no features by stable names, hostile names and values left out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runs.measures import LOOP, MOST_NAMES, light_values, measures_of, unit_of
from spans.facts import Evaluation
from spans.kinds import OutcomeLabel, RunStatus, SpanKind, ToolOutcome
from spans.run import Outcome
from spans.usage import Usage
from tests.builders import a_run, a_step


def a_call(n=0, tool="refund", outcome=ToolOutcome.OK, **more):
    more = {"tool_arguments_hash": f"h{n}", **more}
    return a_step(kind=SpanKind.TOOL, tool_name=tool, tool_outcome=outcome, start_ns=n, ordinal=n, **more)


def test_numbers_have_stable_names():
    run = a_run(
        cost_usd=Decimal("0.25"),
        usage=Usage(input=100, output=20),
        duration_ns=1_500_000_000,
        model_calls=2,
        tool_calls=1,
    )
    found = a_step(kind=SpanKind.RETRIEVAL, documents=3, retrieval_score=0.5)
    scored = a_step(evaluations=(Evaluation("helpful", 0.5), Evaluation("helpful", 1.0), Evaluation("none")))
    numbers = measures_of(run, [found, scored, a_call(argument_values={"amount": 12.0, "currency": "usd"})]).numbers
    expected = {
        "input_tokens": 100,
        "output_tokens": 20,
        "cost_usd": 0.25,
        "latency_ms": 1500,
        "model_calls": 2,
        "tool_calls": 1,
        "retrieval_docs": 3,
        "retrieval_score": 0.5,
        "score_helpful": 0.75,
        "arg_amount": 12,
    }
    assert expected.items() <= numbers.items()
    assert unit_of("cost_usd") == "usd"
    assert unit_of("score_helpful") == ""


def test_what_was_not_measured_has_no_number():
    numbers = measures_of(a_run(cost_usd=None, usage=Usage(), duration_ns=0), []).numbers
    assert not {"cost_usd", "input_tokens", "latency_ms", "retrieval_score"} & numbers.keys()


@pytest.mark.parametrize(
    ("run", "steps", "flag"),
    [
        ({"status": RunStatus.ERROR}, [], "error"),
        ({"outcome": Outcome(OutcomeLabel.FAILURE, "label")}, [], "failure"),
        ({"denials": 1}, [], "denied"),
        ({"entities": {"CREDIT_CARD": 2}}, [], "entity_CREDIT_CARD"),
        ({"interventions": 1}, [], "intervention"),
        ({}, [a_step(finish_reasons=("content_filter",))], "refusal"),
        ({}, [a_step(finish_reasons=("length",))], "truncated"),
        ({}, [a_call(outcome=ToolOutcome.TIMEOUT)], "tool_errors"),
        ({}, [a_call(outcome=ToolOutcome.INVALID_ARGUMENTS)], "invalid_params"),
        ({}, [a_call(outcome=ToolOutcome.RETRIED_THEN_OK)], "retry"),
        ({}, [a_step(kind=SpanKind.RETRIEVAL, documents=0)], "no_documents"),
        ({}, [a_call(n, tool_arguments_hash="same") for n in range(LOOP)], "loop"),
        ({}, [a_call(tool="search")], "tools_search"),
        ({}, [a_call(argument_values={"currency": "usd"})], "arg_currency=usd"),
    ],
)
def test_yes_no_features(run, steps, flag):
    assert flag in measures_of(a_run(**run), steps).flags
    assert flag not in measures_of(a_run(), [a_step()]).flags


def test_a_call_that_never_ran_because_its_arguments_did_not_fit_is_a_fault_and_no_call():
    found = measures_of(a_run(), [a_call(outcome=ToolOutcome.INVALID_ARGUMENTS, counted=False)])
    assert {"invalid_params", "tool_errors"} <= set(found.flags)
    assert found.tools == ()


def test_the_order_of_tools_is_that_of_the_calls_and_second_reports_do_not_count():
    calls = [a_call(2, "b"), a_call(1, "a"), a_call(3, "a"), a_call(4, "c", counted=False)]
    assert measures_of(a_run(), calls).tools == ("a", "b", "a")


def test_names_from_outside_are_bounded():
    calls = [a_call(n, f"tool {n}") for n in range(500)]
    found = measures_of(a_run(), calls)
    assert len(found.flags) <= MOST_NAMES
    assert len(found.tools) == 200


def test_light_values_are_numbers_and_short_words_only():
    arguments = {
        "amount": 12,
        "currency": "usd",
        "urgent": True,
        "order": "ORD-1234",
        "text": "please refund the parcel that never came",
        "nested": {"a": 1},
        "nan": float("nan"),
        "huge": 10**400,
        "a b": "x",
        "mail": "<EMAIL_ADDRESS_abc>",
    }
    assert light_values(arguments) == {"amount": 12.0, "currency": "usd", "urgent": "yes"}
    assert light_values("not a table") == {}


@pytest.mark.parametrize(
    ("known", "calls", "is_loop"),
    [("same", LOOP - 1, False), ("same", LOOP, True), ("", LOOP, False), ("", 9, False), ("", 10, True)],
)
def test_without_recorded_arguments_it_takes_ten_calls_to_be_a_loop(known, calls, is_loop):
    made = measures_of(a_run(), [a_call(n, tool_arguments_hash=known) for n in range(calls)])
    assert ("loop" in made.flags) is is_loop
