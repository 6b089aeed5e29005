"""What only looks different is found like its plain twin, and offsets stay true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.findings import Finding
from redaction.folding import fold
from redaction.items import Item
from spans.fields import FieldClass

ZERO, SOFT, RTL, POP = "\u200b", "\u00ad", "\u202e", "\u202c"


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", "4111 1111 1111 1111"),
        (f"4111{ZERO}1111{ZERO}1111{ZERO}1111", "4111111111111111"),
        ("4111\u00a01111\u202f1111\u20091111", "4111 1111 1111 1111"),
        ("4111\u20111111\u20121111\u20101111", "4111-1111-1111-1111"),
        ("\u0664\u0661\u0661\u0661 1111 1111 1111", "4111 1111 1111 1111"),
        ("maria.lindqvist\uff20example.com", "maria.lindqvist@example.com"),
        (f"maria.lind{SOFT}qvist@exam{ZERO}ple.com", "maria.lindqvist@example.com"),
        (f"{RTL}maria.lindqvist@example.com{POP}", "maria.lindqvist@example.com"),
        ("maria.lindqvist@example\uff0ecom", "maria.lindqvist@example.com"),
        (f"AKIA{ZERO}IOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_a_disguised_value_gets_the_token_of_the_plain_one(redactor, disguised, plain):
    hidden, same = (
        redactor.redact([Item(f"It is {text} they said.", "content", FieldClass.CONTENT, "")], "p")[0].value
        for text in (disguised, plain)
    )
    assert hidden.strip(RTL + POP).replace(RTL, "").replace(POP, "") == same
    assert plain not in same


@given(st.text(alphabet=f"ab1 {ZERO}{SOFT}{RTL}\uff11\u00a0é"), st.data())
def test_places_lead_back_to_where_a_finding_stands(text, data):
    folded = fold(text)
    if not folded.text:
        return
    start = data.draw(st.integers(0, len(folded.text) - 1))
    end = data.draw(st.integers(start + 1, len(folded.text)))
    found = folded.origin(Finding(start, end, "X", 1.0))
    assert fold(text[found.start : found.end]).text == folded.text[start:end]
    assert fold(text[found.start]).text
    assert fold(text[found.end - 1]).text


def test_plain_text_and_letters_of_other_alphabets_stay():
    for text in ("plain", "Łukasz Żółć", "Мария", "山田太郎", "😀"):
        assert fold(text).text == text
