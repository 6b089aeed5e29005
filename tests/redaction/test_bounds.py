"""Values of 10 MB and hostile ones end: withheld when their budget is used up, and the redactor goes on."""

from __future__ import annotations

import json

import pytest

from redaction import analysis
from redaction.engine import Item, Models, Redactor
from redaction.rules import Mode, RedactionRules
from spans.fields import FieldClass
from spans.pseudonym import WITHHELD
from tests.redaction.conftest import key_for

LARGE_CHARS = 10_000_000
HOSTILE_CHARS = 1_000_000
MAIL = "maria@example.com"


def filled(unit: str, length: int = HOSTILE_CHARS) -> str:
    return unit * (length // len(unit))


def in_strings(depth: int) -> str:
    text = json.dumps({"mail": MAIL, "pad": "x" * 1_000})
    for _ in range(depth):
        text = json.dumps({"inner": text})
    return text


PROSE = f"Maria Gonzalez wrote from {MAIL} about it, twice. "
LARGE = {"one long token": filled("aZ9", LARGE_CHARS), "prose": filled(PROSE, LARGE_CHARS)}
HOSTILE = {
    "digits": "4",
    "many @": "a@",
    "base64": "QUJD" * 19 + "\n",
    "groups of digits": "4111 ",
    "URL escapes": "%41",
    "letters without width": "a\u200b",
}


@pytest.fixture
def hurried(monkeypatch):
    """A redactor whose budget is used up by the first detector; real budgets are tried by tests/long/big_values.py."""
    monkeypatch.setattr(analysis, "BUDGET_S", 0.0)
    monkeypatch.setattr(analysis, "MIN_CHARS_PER_S", 1e12)
    return Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models())


def clean(redactor, value):
    return redactor.redact([Item(value, "content", FieldClass.CONTENT, "")], "p")[0]


@pytest.mark.parametrize("shape", [*LARGE, *HOSTILE])
def test_a_value_whose_budget_is_used_up_is_withheld_and_the_next_one_is_not(hurried, monkeypatch, shape):
    got = clean(hurried, LARGE.get(shape) or filled(HOSTILE[shape]))
    assert (got.value, got.failed) == (WITHHELD, True)
    monkeypatch.undo()
    assert MAIL not in clean(hurried, f"mail {MAIL}").value
    assert not clean(hurried, f"mail {MAIL}").failed


def test_what_the_model_cannot_read_is_withheld_before_anything_is_spent_on_it(redactor, monkeypatch):
    monkeypatch.setattr(redactor._analyser, "_detectors", (lambda _piece: pytest.fail("a detector was asked"),))
    assert clean(redactor, LARGE["prose"]).failed


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_a_hundred_thousand_deep_is_read(redactor, opening):
    closing = "]" if opening == "[" else "}"
    text = opening * 100_000 + json.dumps(MAIL) + closing * 100_000
    got = clean(redactor, text)
    assert not got.failed
    assert MAIL not in got.value
    assert len(got.value) > len(text) - 100


@pytest.mark.parametrize("depth", [3, 8, 12])
def test_json_in_strings_in_strings_is_read_or_withheld_however_deep(redactor, depth):
    got = clean(redactor, in_strings(depth))
    assert MAIL not in got.value
    json.loads(got.value)
