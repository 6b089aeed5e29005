"""Canonical JSON and the hashes made of it, equal on every machine, locale and hash seed."""

from __future__ import annotations

import hashlib
import json

import msgspec
import rfc8785

from spans.values import Value, tag_double

_SAFE_INTEGER = 2**53 - 1


def canonical_json(value: Value) -> bytes:
    """Canonical JSON (RFC 8785). Integers beyond 2**53 become strings, as the RFC asks.

    Lone surrogates become U+FFFD, and numbers that JSON lacks the marked form of `spans.values.tag_double`.
    """
    if _is_simple(value):
        try:
            return _QUICK.encode(value)
        except UnicodeEncodeError:  # a lone surrogate
            pass
    return rfc8785.dumps(_plain(value))  # type: ignore[arg-type]


_QUICK = msgspec.json.Encoder(order="sorted")


def _is_simple(value: Value) -> bool:
    """Whether the quick encoder, many times as fast, writes this as the RFC does: no doubles, no rare keys."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -_SAFE_INTEGER <= value <= _SAFE_INTEGER  # type: ignore[operator]
    if kind is dict:
        for key, inner in value.items():  # type: ignore[union-attr]
            if type(key) is not str or not key.isascii() or (type(inner) is not str and not _is_simple(inner)):
                return False
        return True
    return kind is list and all(_is_simple(inner) for inner in value)  # type: ignore[union-attr]


def stable_json(value: object) -> bytes:
    """JSON as Python's own encoder writes it with sorted keys, ASCII only: equal for equal values, and nothing more.

    Digests made of it are stored, so its bytes never change. What JSON lacks is written as its `str`.
    """
    if _is_common(value):
        try:
            quick = _QUICK.encode(value)
        except UnicodeEncodeError:  # a lone surrogate
            quick = _DELETE
        if quick.isascii() and _DELETE not in quick:
            return quick
    return _STABLE.encode(value).encode()


_STABLE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_DELETE = b"\x7f"
"""The one ASCII character that only one of the two encoders escapes."""


def _is_common(value: object) -> bool:
    """Whether both encoders write this alike, as long as its texts are ASCII: no exponents, nothing but JSON."""
    if type(value) is dict:
        for key, inner in value.items():
            if type(key) is not str or (type(inner) not in _ALIKE and not _is_common(inner)):
                return False
        return True
    if type(value) is list or type(value) is tuple:
        for inner in value:  # noqa: SIM110  a generator in all() takes half as long again
            if type(inner) not in _ALIKE and not _is_common(inner):
                return False
        return True
    if type(value) is float:
        return value == 0 or 1e-4 <= abs(value) < 1e16
    return type(value) in _ALIKE


_ALIKE = frozenset({str, int, bool, type(None)})
"""Types of which both encoders write every value alike."""


def content_digest(value: Value, *, digits: int = 32) -> str:
    """The first `digits` hex digits of SHA-256 over the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:digits]


def _plain(value: Value) -> object:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return tag_double(value)
    if isinstance(value, int):
        return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return {str(_plain(str(key))): _plain(item) for key, item in value.items()}  # type: ignore[union-attr]
