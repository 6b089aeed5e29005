from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.wire import WireError, count_messages, frame, mend, varint, walk


def nested(levels: int) -> bytes:
    """A span's attribute field that nests lists in lists."""
    value = b"\x0a\x01x"
    for _ in range(levels):
        value = frame(5, frame(1, value))
    return frame(9, frame(1, b"key") + frame(2, value))


@given(st.binary(max_size=400))
def test_any_bytes_are_walked_or_refused(data: bytes) -> None:
    try:
        fields = list(walk(data))
    except WireError:
        return
    assert sum(f.end - f.begin for f in fields) == len(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_mended_or_refused(data: bytes) -> None:
    try:
        fixed = mend(data, Span.DESCRIPTOR)
    except WireError:
        return
    assert fixed.repaired or fixed.emptied or fixed.data is data


@given(st.integers(0, 2**64 - 1))
def test_numbers_survive(number: int) -> None:
    (field,) = walk(b"\x08" + varint(number))
    assert field.number == 1


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(WireError):
        list(walk(b"\x08" + b"\xff" * 11))


@given(st.binary(min_size=1, max_size=20), st.binary(max_size=20))
def test_strings_are_repaired_wherever_they_stand(bad: bytes, key: bytes) -> None:
    raw = frame(5, bad) + frame(9, frame(1, key) + frame(2, frame(1, bad))) + frame(11, frame(2, bad))
    span = Span.FromString(mend(raw, Span.DESCRIPTOR).data)
    text = bad.decode("utf-8", "replace")
    assert (span.name, span.events[0].name, span.attributes[0].value.string_value) == (text, text, text)


def test_valid_bytes_are_left_alone_byte_for_byte() -> None:
    raw = Span(name="ü", trace_id=b"\xff" * 16).SerializeToString() + b"\xfa\x7f\x02\xff\xff"
    assert mend(raw, Span.DESCRIPTOR).data is raw


def test_depth_is_cut_where_the_parser_still_follows() -> None:
    fixed = mend(nested(300), Span.DESCRIPTOR)
    assert fixed.emptied
    assert Span.FromString(fixed.data).attributes[0].key == "key"


def test_messages_are_counted_and_the_count_stops_at_its_limit() -> None:
    span = Span()
    for n in range(10):
        span.attributes.add(key=str(n)).value.string_value = "x"
    raw = span.SerializeToString()
    assert count_messages(raw, Span.DESCRIPTOR, 1000) == 20
    assert count_messages(raw, Span.DESCRIPTOR, 5) == 6
