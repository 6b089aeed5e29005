"""Settings ▸ Prices: models nobody has priced, prices set by hand or by file, and where all others come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from spans.errors import RefusedError
from spans.prices import CLASSES, PriceRow
from store.hours import CallRow
from web.places import Place

CLASS_WORDS: Mapping[str, str] = {
    "input": "input",
    "output": "output",
    "cache_read": "cache read",
    "cache_write": "cache write",
    "cache_write_1h": "cache write, 1 h",
    "input_audio": "audio in",
    "output_audio": "audio out",
}
_MOST = 120
_DEAREST = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class UnpricedLine:
    """A model whose calls have no price."""

    provider: str
    model: str
    kind: str
    calls: int
    input_tokens: int
    output_tokens: int
    href: str
    """The form below, filled in for this model."""


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One price in force at some time."""

    name: str
    model: str
    provider: str
    prices: tuple[tuple[str, Decimal], ...]
    """Words for a token class, and USD per million."""
    from_ns: int
    until_ns: int
    is_file: bool


@dataclass(frozen=True, slots=True)
class PriceForm:
    """What stands in the form when the page opens."""

    model: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True)
class PricesPage:
    """The page."""

    unpriced: tuple[UnpricedLine, ...]
    lines: tuple[PriceLine, ...]
    form: PriceForm
    classes: tuple[tuple[str, str], ...]
    may_change: bool
    done: int
    total: int
    range_words: str


def build_prices(
    place: Place,
    calls: Sequence[CallRow],
    rows: Sequence[PriceRow],
    file_rows: Sequence[PriceRow],
    *,
    form: PriceForm,
    may_change: bool,
    progress: tuple[int, int],
) -> PricesPage:
    """Build the page from sums of calls by model, and the prices of ledger and file."""
    unpriced = sorted((row for row in calls if row.unpriced_calls), key=lambda row: (-row.unpriced_calls, row.name))
    lines = [*((row, True) for row in file_rows), *((row, False) for row in rows)]
    return PricesPage(
        unpriced=tuple(
            UnpricedLine(
                row.provider,
                row.name,
                row.kind,
                row.unpriced_calls,
                row.input_tokens,
                row.output_tokens,
                place.url("/prices", model=row.name, provider=row.provider or None) + "#new-price",
            )
            for row in unpriced
        ),
        lines=tuple(_line(row, is_file=is_file) for row, is_file in lines),
        form=form,
        classes=tuple(CLASS_WORDS.items()),
        may_change=may_change,
        done=progress[0],
        total=progress[1],
        range_words=place.range.words(),
    )


def _line(row: PriceRow, *, is_file: bool) -> PriceLine:
    return PriceLine(
        name=row.name,
        model=row.model,
        provider=row.provider,
        prices=tuple((CLASS_WORDS[name], row.prices[name]) for name in CLASSES if name in row.prices),
        from_ns=row.from_ns,
        until_ns=row.until_ns or 0,
        is_file=is_file,
    )


def parse_price(
    *, name: str, model: str, provider: str, begin: str, until: str, amounts: Mapping[str, str]
) -> PriceRow:
    """A price out of a form; `amounts` is by token class.

    Raises:
        RefusedError: a field is missing or cannot be read; says which and how to write it.
    """
    called, pattern = (" ".join(text.split())[:_MOST] for text in (name, model))
    if not called or not pattern:
        raise RefusedError("A price needs a name and a model, such as gpt-4o or my-model*.")
    prices = {key: _amount(key, text) for key, text in amounts.items() if text.strip()}
    if not prices:
        raise RefusedError("Give at least one price, in USD per million tokens.")
    from_ns = _day_ns(begin, "from") or 0
    until_ns = _day_ns(until, "until")
    if until_ns is not None and until_ns <= from_ns:
        raise RefusedError("The last day must come after the first.")
    return PriceRow(called, pattern, prices, provider.strip()[:_MOST] or "*", from_ns, until_ns)


def _amount(key: str, text: str) -> Decimal:
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= _DEAREST:
        raise RefusedError(f"The price for {CLASS_WORDS[key]} is no amount; write it like 0.15.")
    return amount


def _day_ns(text: str, name: str) -> int | None:
    """Midnight UTC of a date, None for an empty field."""
    if not text.strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError(f"The {name} date is not a date; write it like 2026-01-31.") from None
    return int(day.timestamp()) * 1_000_000_000
