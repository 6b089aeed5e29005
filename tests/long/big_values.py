"""Values of 10 MB of every hostile shape with the real budgets: each ends in bounded time, clean or withheld."""

# ruff: noqa: T201 the figures are what a person needs
from __future__ import annotations

import json
import time

import pytest

from redaction.analysis import BUDGET_S, MIN_CHARS_PER_S
from redaction.engine import Item, Redactor
from redaction.rules import RedactionRules
from spans.fields import FieldClass
from tests.redaction.conftest import key_for

CHARS = 10_000_000
MAIL = "maria@example.com"
UNITS = {
    "one long token": "aZ9", "many @": "a@", "addresses": f"{MAIL} ", "digits": "4", "groups of digits": "4111 ", "floats": "0.784308 ",
    "base64": "QUJD" * 19 + "\n", "prose": f"Maria Gonzalez wrote from {MAIL}, twice. ", "spaces": " ", "quotes": '"', "backslashes": "\\",
    "letters without width": "a\u200b", "URL escapes": "%41", "capitals": "Aa ", "keys begun": "-----BEGIN PRIVATE KEY-----",
    "assignments": "set token ", "phrases": "seed ", "lists": "[", "objects": '{"a":', "open strings": '["',
}  # fmt: skip
SHAPES = {name: unit * (CHARS // len(unit)) for name, unit in UNITS.items()} | {
    "records": json.dumps([{"name": "Maria Gonzalez", "mail": MAIL, "n": n} for n in range(CHARS // 70)]),
    "table": "id,name,email\n" + f"1,Maria Gonzalez,{MAIL}\n" * (CHARS // 35),
}


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(RedactionRules.default(), key_for)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_ends_clean_or_withheld(redactor: Redactor, shape: str) -> None:
    text = SHAPES[shape]
    began = time.process_time()
    (got,) = redactor.redact([Item(text, "content", FieldClass.CONTENT, "")], "p")
    took = time.process_time() - began
    print(
        f"\n{shape}: {len(text) / 1e6:.1f} MB, {took:.1f} s of processor time, {'withheld' if got.failed else 'clean'}"
    )
    assert MAIL not in str(got.value)
    # A detector is not interrupted; the budget ends the value after the one that used it up.
    assert took < 2 * (BUDGET_S + len(text) / MIN_CHARS_PER_S)
    assert not redactor.redact([Item(f"mail {MAIL}", "content", FieldClass.CONTENT, "")], "p")[0].failed
