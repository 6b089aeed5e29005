from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.money import usd_of
from runs.pricing import PriceBook, split
from spans.prices import CLASSES, PriceRow
from spans.usage import Usage

T = 1_764_000_000_000_000_000
BOOK = PriceBook()


def test_each_class_of_tokens_has_its_own_line():
    cost = BOOK.price(Usage(input=1000, output=100, cache_read=400), provider="openai", models=["gpt-4o-mini"], at_ns=T)
    assert [(line.token_class, line.tokens, line.usd_per_million) for line in cost.lines] == [
        ("input", 600, Decimal("0.15")),
        ("cache_read", 400, Decimal("0.075")),
        ("output", 100, Decimal("0.6")),
    ]
    assert cost.usd == sum(line.usd for line in cost.lines)
    assert cost.price == "openai/gpt-4o-mini"


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini-2024-07-18"),
        ("", "gpt-4o-mini"),
        ("acme", "gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("google.gemini", "gemini-2.5-pro"),
        ("", "openai/gpt-4o-mini"),
        ("", "text-embedding-3-small"),
    ],
)
def test_models_are_found_by_many_names(provider, model):
    assert BOOK.price(Usage(input=10), provider=provider, models=[model], at_ns=T) is not None


def test_the_response_model_is_tried_before_the_request_model():
    cost = BOOK.price(Usage(input=10), provider="openai", models=["no-such-model", "gpt-4o-mini"], at_ns=T)
    assert cost.price == "openai/gpt-4o-mini"


def test_an_unknown_model_has_no_price():
    assert BOOK.price(Usage(input=10), provider="acme", models=["nobody-knows-1", ""], at_ns=T) is None


def test_an_override_of_the_requested_name_goes_before_the_listed_model_that_answered():
    """A deployment in Azure is asked by its own name and answers with the model's."""
    book = PriceBook(overrides=[PriceRow("contract", "my-deployment", {"input": Decimal(1)})])
    models = ["gpt-4o-2024-08-06", "my-deployment"]
    cost = book.price(Usage(input=1_000_000), provider="azure.openai", models=models, at_ns=T)
    assert (cost.usd, cost.price) == (Decimal(1), "override:contract")


def test_of_two_overrides_the_one_of_the_model_that_answered_goes_first():
    rows = [
        PriceRow("asked", "mine", {"input": Decimal(1)}, from_ns=T - 1),
        PriceRow("answered", "gpt-4o*", {"input": Decimal(2)}),
    ]
    cost = PriceBook(rows).price(Usage(input=10), provider="", models=["gpt-4o-2024-08-06", "mine"], at_ns=T)
    assert cost.price == "override:answered"


def test_an_override_goes_first_while_it_is_valid():
    row = PriceRow("ours", "gpt-4o*", {"input": Decimal(1), "output": Decimal(2)}, from_ns=T, until_ns=T + 10)
    book = PriceBook(overrides=[row])
    inside = book.price(Usage(input=1_000_000, output=500_000), provider="openai", models=["gpt-4o-mini"], at_ns=T)
    outside = book.price(Usage(input=1_000_000), provider="openai", models=["gpt-4o-mini"], at_ns=T + 10)
    assert (inside.usd, inside.price) == (Decimal(2), "override:ours")
    assert outside.price == "openai/gpt-4o-mini"


def test_an_override_without_a_price_for_the_tokens_prices_nothing():
    book = PriceBook(overrides=[PriceRow("half", "x", {"output": Decimal(1)})])
    assert book.price(Usage(input=5, output=5), provider="", models=["x"], at_ns=T) is None


counts = st.one_of(st.none(), st.integers(0, 10**9))


@given(counts, counts, counts, counts, counts)
def test_classes_never_overlap_and_never_go_below_zero(given_in, output, read, write, audio):
    parts = split(Usage(input=given_in, output=output, cache_read=read, cache_write=write, input_audio=audio))
    assert set(parts) == set(CLASSES)
    assert all(count >= 0 for count in parts.values())
    assert parts["output"] == (output or 0)


@given(counts, counts)
def test_no_amount_overflows(given_in, output):
    cost = BOOK.price(Usage(input=given_in, output=output), provider="openai", models=["gpt-4o-mini"], at_ns=T)
    assert cost.usd.is_finite()


@pytest.mark.parametrize(
    ("raw", "usd"),
    [
        ("0.0031", Decimal("0.0031")),
        (6.645e-05, Decimal("0.00006645")),
        (0, Decimal(0)),
        (-1, None),
        ("x", None),
        (True, None),
        (float("inf"), None),
    ],
)
def test_amounts_are_decimals_or_nothing(raw, usd):
    assert usd_of(raw) == usd
