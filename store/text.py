"""Text and JSON that no engine can refuse: lone surrogates replaced, any number representable."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from spans.values import Value, tag_double

_MAX_BITS = 8_192
"""Longer integers than this are kept as hex text: Python refuses to print them in decimal."""


def clean_text(text: str) -> str:
    """The same text, with lone surrogates as U+FFFD: UTF-8 cannot hold them. NUL stays, the engines can."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def to_json(value: Value) -> str:
    """JSON of an attribute value; what JSON cannot hold is marked, as `spans.values` does."""
    if isinstance(value, bool) or value is None:
        return "true" if value else "null" if value is None else "false"
    try:
        return clean_text(_dumps(value))
    except ValueError:  # NaN, or an integer too long to print
        return clean_text(_dumps(_tame(value)))


def from_json(text: str) -> Any:
    """What `to_json` wrote."""
    return json.loads(text)


def record_json(fields: Mapping[str, object]) -> str:
    """JSON of house types by field name."""
    try:
        return msgspec.json.encode(fields).decode()
    except (UnicodeEncodeError, OverflowError):
        return clean_text(_dumps(_tame(msgspec.to_builtins(fields))))


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    """Mappings and sequences other than dict, list and tuple."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not an attribute value")


def _tame(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else tag_double(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value.bit_length() <= _MAX_BITS else hex(value)
    if isinstance(value, Mapping):
        return {key: _tame(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_tame(item) for item in value]
    return value
