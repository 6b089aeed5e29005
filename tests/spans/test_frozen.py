"""Every domain type is frozen and slotted, and the chain from span to run cannot be shortened."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, is_dataclass
from decimal import Decimal

import msgspec
import pytest
from msgspec import structs

import spans
from spans.content import Part, SpanContent
from spans.run import Assembly, Outcome
from spans.span import Span
from spans.usage import Usage
from tests.builders import a_clean_span, a_run, a_span, a_step, an_assembly, some_facts


def domain_types():
    for module in pkgutil.iter_modules(spans.__path__, "spans."):
        loaded = importlib.import_module(module.name)
        for value in vars(loaded).values():
            if (
                isinstance(value, type)
                and value.__module__ == module.name
                and (is_struct(value) or is_dataclass(value))
            ):
                yield value


def is_struct(kind):
    return issubclass(kind, msgspec.Struct)


@pytest.mark.parametrize("kind", list(domain_types()), ids=lambda k: k.__name__)
def test_a_domain_type_is_frozen_slotted_and_documented(kind):
    assert kind.__struct_config__.frozen if is_struct(kind) else kind.__dataclass_params__.frozen
    assert kind.__dictoffset__ == 0
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


@pytest.mark.parametrize(
    "value", [a_span(), a_clean_span(), some_facts(), a_step(), a_run(), an_assembly(), Part("text")]
)
def test_nothing_can_be_changed_after_it_was_made(value):
    name = next(iter(type(value).__annotations__))
    with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
        setattr(value, name, None)


def test_a_clean_span_is_not_a_span():
    """So a type checker refuses to store what redaction has not seen."""
    assert not isinstance(a_clean_span(), Span)


def test_an_unknown_outcome_is_the_default_and_names_no_source():
    assert Outcome().label.value == "unknown"
    assert Outcome().source == ""
    assert a_run().outcome == Outcome()


def test_usage_that_was_not_reported_is_not_zero():
    assert Usage().input is None
    assert Usage(input=3).total() == 3
    assert Usage(input=3, output=4, cache_read=2, reasoning=1).total() == 7


def test_an_unpriced_run_has_no_cost_rather_than_zero():
    assert structs.replace(a_run(), cost_usd=None).cost_usd is None
    assert isinstance(a_run().cost_usd, Decimal)


def test_content_of_nothing_is_absent():
    assert SpanContent().state == "absent"


def test_an_assembly_holds_one_run_and_its_steps():
    assembly = an_assembly(a_step(ordinal=0), a_step(ordinal=1))
    assert isinstance(assembly, Assembly)
    assert {s.run_id for s in assembly.steps} == {assembly.run.run_id}
