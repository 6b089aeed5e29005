"""Identifiers as types: parsed once at the door, compared as they are, printed once."""

from __future__ import annotations

from typing import NewType

from spans.errors import RefusedError

TraceId = NewType("TraceId", str)
"""32 lower-case hex digits, not all zero."""

SpanId = NewType("SpanId", str)
"""16 lower-case hex digits, not all zero."""

RunId = NewType("RunId", str)
"""The id of a run: the trace id of its first trace."""

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
_HEX = frozenset("0123456789abcdef")


def parse_trace_id(raw: bytes | str) -> TraceId:
    """Parse a trace id from wire bytes or hex text in any case, with or without dashes.

    Raises:
        RefusedError: wrong length, not hex, or all zero (W3C Trace Context, section 3.2.2.3).
    """
    return TraceId(_parse(raw, TRACE_ID_BYTES, "trace id"))


def parse_span_id(raw: bytes | str) -> SpanId:
    """Parse a span id from wire bytes or hex text in any case.

    Raises:
        RefusedError: wrong length, not hex, or all zero (W3C Trace Context, section 3.2.2.4).
    """
    return SpanId(_parse(raw, SPAN_ID_BYTES, "span id"))


def _parse(raw: bytes | str, size: int, what: str) -> str:
    text = raw.hex() if isinstance(raw, bytes) else raw.strip().replace("-", "").lower()
    if len(text) != 2 * size:
        msg = f"A {what} has {2 * size} hex digits; this one has {len(text)}."
        raise RefusedError(msg)
    if not _HEX.issuperset(text):
        msg = f"A {what} is written in hex digits."
        raise RefusedError(msg)
    if not text.strip("0"):
        msg = f"A {what} of zeros is invalid."
        raise RefusedError(msg)
    return text
