"""Ids are parsed once at the door; whatever passes is canonical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spans.errors import RefusedError
from spans.ids import parse_span_id, parse_trace_id


@pytest.mark.parametrize(
    "raw",
    [
        bytes.fromhex("0af7651916cd43dd8448eb211c80319c"),
        "0af7651916cd43dd8448eb211c80319c",
        "0AF7651916CD43DD8448EB211C80319C",
        "0af76519-16cd-43dd-8448-eb211c80319c",
        "  0af7651916cd43dd8448eb211c80319c\n",
    ],
)
def test_every_spelling_of_a_trace_id_is_one_trace_id(raw):
    assert parse_trace_id(raw) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "has 0"),
        (b"\x01" * 8, "has 16"),
        (b"\x01" * 17, "has 34"),
        ("0" * 32, "of zeros"),
        (bytes(16), "of zeros"),
        ("g" * 32, "hex digits"),
        ("٣" * 32, "hex digits"),
        ("0x" + "1" * 30, "hex digits"),
    ],
)
def test_a_trace_id_that_is_none_is_refused_with_a_reason(raw, why):
    with pytest.raises(RefusedError, match=why):
        parse_trace_id(raw)


def test_a_span_id_has_sixteen_digits():
    assert parse_span_id(bytes.fromhex("b7ad6b7169203331")) == "b7ad6b7169203331"
    with pytest.raises(RefusedError, match="span id"):
        parse_span_id("0" * 16)


@given(st.one_of(st.binary(max_size=40), st.text(max_size=80)))
def test_any_input_becomes_a_canonical_id_or_our_error(raw):
    for parse, digits in ((parse_trace_id, 32), (parse_span_id, 16)):
        try:
            parsed = parse(raw)
        except RefusedError:
            continue
        assert len(parsed) == digits
        assert set(parsed) <= set("0123456789abcdef")
        assert parse(parsed) == parsed == parse(bytes.fromhex(parsed))
