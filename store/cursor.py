"""Cursors of lists: where a page ended, opaque to the caller."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from spans.errors import RefusedError
from spans.run import Run
from store.orders import Key, RunOrder, order_of

_UNREADABLE = "The cursor cannot be read; start from the first page."


@dataclass(frozen=True, slots=True)
class RunCursor:
    """The last run of a page: its value in the order of the list, then its id."""

    key: Key
    run_id: str

    def encode(self, order: str = "") -> str:
        """As it stands in an address."""
        text = f"{self.key}~{self.run_id}~{order}" if order else f"{self.key}.{self.run_id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor_after(run: Run, order: RunOrder) -> str:
    """The cursor of a page that ended with a run."""
    key = order.of(run)
    return RunCursor(key, run.run_id).encode(order.name)


def decode_cursor(text: str, order: str = "") -> RunCursor:
    """The cursor that `encode` wrote for this order.

    Raises:
        RefusedError: anything else; also the cursor of a list in another order.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise RefusedError(_UNREADABLE) from error
    key, dot, run_id = raw.partition("~" if order else ".")
    if order:
        run_id, _, of = run_id.partition("~")
        if of != order:
            raise RefusedError("The cursor belongs to a list in another order; start from the first page.")
    try:
        found = order_of(order).read(key)
    except ValueError as error:
        raise RefusedError(_UNREADABLE) from error
    if not dot:
        raise RefusedError(_UNREADABLE)
    return RunCursor(found, run_id)
