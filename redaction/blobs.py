"""Reads what people wrote inside byte values: UTF-8 as it is, of anything else the runs of printable characters."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from spans.pseudonym import removed
from spans.values import BYTES_TAG, Value, tag_bytes

_RUN = re.compile(rb"[\t\x20-\x7e]{8,}")
"""Shorter runs are chance: in compressed data one position in 2,500 begins one of eight."""
_ENTITY = "BYTES"


@dataclass(frozen=True, slots=True)
class Blob:
    """The readable part of a byte value, and how to put a clean one back."""

    value: Value
    text: str
    is_text: bool

    def cleaned(self, clean: str) -> Value:
        """The value with its clean text; binary data in which anything was found is removed as a whole.

        A token of another length would break its format, and the reader could not tell why.
        """
        if clean == self.text:
            return self.value
        return tag_bytes((clean if self.is_text else removed(_ENTITY)).encode("utf-8", "surrogatepass"))


def read_blob(value: Value) -> Blob | None:
    """The readable part of a tagged byte value; None when it is no base64, so that it is read as it stands."""
    coded = value[BYTES_TAG] if isinstance(value, dict) else None
    if not isinstance(coded, str):
        return None
    try:
        raw = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        return Blob(value, raw.decode("utf-8"), is_text=True)
    except UnicodeDecodeError:
        return Blob(value, b"\n".join(_RUN.findall(raw)).decode("ascii"), is_text=False)
