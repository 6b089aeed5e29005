"""Prices that people set in the pages, kept until somebody removes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from spans.errors import NotFoundError, RefusedError
from spans.prices import CLASSES, PriceRow
from spans.values import Value
from store.ledger.settings import Settings

_NAME = "prices"
MAX_ROWS = 500


class Prices:
    """Rows by name, in the order of their names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def list(self) -> tuple[PriceRow, ...]:
        """Every row."""
        kept = self._settings.get(_NAME, [])
        return tuple(_from_json(one) for one in kept if isinstance(one, Mapping)) if isinstance(kept, list) else ()

    def put(self, row: PriceRow) -> None:
        """Add a row, or replace the one of this name.

        Raises:
            RefusedError: there are too many, or a class of tokens is unknown.
        """
        if unknown := set(row.prices) - set(CLASSES):
            raise RefusedError(f"Unknown token class {min(unknown)!r}; use {', '.join(CLASSES)}.")
        others = [one for one in self.list() if one.name != row.name]
        if len(others) >= MAX_ROWS:
            raise RefusedError(f"There are already {MAX_ROWS} prices; remove one first.")
        self._write([*others, row])

    def remove(self, name: str) -> None:
        """Remove a row.

        Raises:
            NotFoundError: there is none of this name.
        """
        rows = self.list()
        if all(row.name != name for row in rows):
            raise NotFoundError(f"No price is named {name[:80]!r}.")
        self._write([row for row in rows if row.name != name])

    def _write(self, rows: Iterable[PriceRow]) -> None:
        self._settings.put(_NAME, [_to_json(row) for row in sorted(rows, key=lambda row: row.name)])


def _to_json(row: PriceRow) -> Value:
    return {
        "name": row.name,
        "model": row.model,
        "provider": row.provider,
        "prices": {name: str(usd) for name, usd in sorted(row.prices.items())},
        "from_ns": row.from_ns,
        "until_ns": row.until_ns,
    }


def _from_json(raw: Mapping[str, Value]) -> PriceRow:
    prices, until = raw["prices"], raw["until_ns"]
    if not isinstance(prices, Mapping):
        raise TypeError("not a price that this ledger wrote")
    return PriceRow(
        name=str(raw["name"]),
        model=str(raw["model"]),
        provider=str(raw["provider"]),
        prices={str(name): Decimal(str(usd)) for name, usd in prices.items()},
        from_ns=int(str(raw["from_ns"])),
        until_ns=None if until is None else int(str(until)),
    )
