"""The ledger: small changing state (keys, members, links, sessions, audit, settings, slots) in SQLite or PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.ledger.ledger import Ledger

__all__ = ["Ledger"]


def __getattr__(name: str) -> object:
    """Import the ledger on first use: `key_reader` must stay free of SQLAlchemy for the receiver."""
    if name == "Ledger":
        from store.ledger.ledger import Ledger

        return Ledger
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
