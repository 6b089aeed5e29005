"""Attribute values as plain JSON-like data, the one shape every room works on."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]
"""What an OTLP AnyValue decodes to. Bytes and non-finite doubles are tagged maps, so a value is always JSON.

A map is a `dict`, a sequence a `list` or `tuple`: ask for those, an abstract class takes several times as long to answer."""

Attributes = Mapping[str, Value]

BYTES_TAG = "$bytes"
DOUBLE_TAG = "$double"


def tag_bytes(raw: bytes) -> dict[str, Value]:
    """Keep bytes as base64 under a marker, so that they stay JSON and are recognisable."""
    return {BYTES_TAG: base64.b64encode(raw).decode("ascii")}


def tag_double(number: float) -> float | dict[str, Value]:
    """Finite doubles stay numbers; NaN and the infinities become a marked string (JSON has none)."""
    if math.isfinite(number):
        return number
    name = "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    return {DOUBLE_TAG: name}
