"""Cursors of lists: where a page ended, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from spans.errors import RefusedError

_MAX_NS = 2**64 - 1


@dataclass(frozen=True, slots=True)
class RunCursor:
    """The last run of a page: newest first, then by id."""

    started_ns: int
    run_id: str

    def encode(self) -> str:
        """As it stands in an address."""
        return base64.urlsafe_b64encode(f"{self.started_ns}.{self.run_id}".encode()).decode().rstrip("=")


def decode_cursor(text: str) -> RunCursor:
    """The cursor that `encode` wrote.

    Raises:
        RefusedError: anything else.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise RefusedError("The cursor cannot be read; start from the first page.") from error
    started, dot, run_id = raw.partition(".")
    if not dot or not (started.isascii() and started.isdecimal()) or len(started) > 20 or int(started) > _MAX_NS:
        raise RefusedError("The cursor cannot be read; start from the first page.")
    return RunCursor(int(started), run_id)
