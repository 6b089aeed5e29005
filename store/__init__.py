"""Keeps and finds evidence, derived rows and the small changing state; the only room with SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.opening import open_store

__all__ = ["open_store"]


def __getattr__(name: str) -> object:
    """Import on first use: the receiver imports `store.ledger.key_reader` and must stay small."""
    if name == "open_store":
        from store.opening import open_store

        return open_store
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
