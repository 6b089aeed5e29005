from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.spool.format import (
    Payload,
    RecordHead,
    Signal,
    SpoolError,
    encode_mark,
    is_segment_name,
    parse_head,
    parse_header,
    parse_mark,
    parse_tail,
)

heads = st.builds(
    RecordHead,
    slot=st.integers(0, 2**63),
    signal=st.sampled_from(Signal),
    items=st.integers(0, 2**31),
    project=st.text(st.characters(codec="utf-8"), max_size=40),
    received_ns=st.integers(0, 4_000_000_000_000_000_000),
    payload_bytes=st.integers(0, 2**30),
    spans_before=st.integers(0, 2**60),
    logs_before=st.integers(0, 2**60),
    version=st.sampled_from([1, 2]),
).map(lambda head: head if head.version > 1 else replace(head, spans_before=0, logs_before=0))


@given(heads)
def test_heads_survive(head: RecordHead) -> None:
    encoded = head.encode()
    assert parse_head(encoded + b"more", head.version) == (head, len(encoded))
    tail = head.encode_tail()
    assert len(tail) == head.tail_bytes
    assert (parse_tail(tail + b"more") == (head, len(tail))) is (head.version > 1)
    assert parse_head(tail) is None


@given(heads, st.data())
def test_a_changed_fixed_part_is_no_head(head: RecordHead, data: st.DataObject) -> None:
    raw = bytearray(head.encode())
    raw[data.draw(st.integers(0, 39 if head.version == 1 else len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert parse_head(bytes(raw), head.version) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_none(data: bytes) -> None:
    parse_head(data)
    parse_tail(data)
    with pytest.raises(SpoolError):
        parse_header(data)
    assert parse_mark(data) == 0 or len(data) == 12


@given(st.binary(max_size=50), st.dictionaries(st.integers(0, 9), st.lists(st.text(max_size=4), max_size=3).map(tuple)))
def test_payloads_survive(otlp: bytes, marks: dict[int, tuple[str, ...]]) -> None:
    payload = Payload(otlp, marks)
    assert Payload.decode(payload.encode()) == payload


@given(st.binary(max_size=60))
def test_any_bytes_are_a_payload_or_our_error(data: bytes) -> None:
    try:
        Payload.decode(data)
    except SpoolError:
        return


@given(st.integers(0, 2**60))
def test_marks_survive(length: int) -> None:
    assert parse_mark(encode_mark(length)) == length


def test_the_received_day_is_fixed_in_utc() -> None:
    late = int(datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC).timestamp()) * 10**9
    head = RecordHead(0, Signal.SPANS, 1, "p", late, 16)
    assert head.received_day.isoformat() == "2026-11-20"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("0123456789abcdef-01234567.seg", True),
        ("../0123456789abcdef-01234567.seg", False),
        ("0123456789abcdef-01234567.mark", False),
        ("notes.seg", False),
    ],
)
def test_only_our_names_are_opened(name: str, ours: bool) -> None:
    assert is_segment_name(name) is ours
