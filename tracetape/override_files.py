"""Reads the two files of overrides: prices of models, and rules for workflow names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from insights import yaml_place as read
from insights.yaml_place import Place, YamlFileError, optional
from spans.errors import SettingsError
from spans.naming import NamingRule
from spans.prices import CLASSES, PriceRow

_PRICE = ("name", "model", "provider", "usd_per_million", "from", "until")
_RULE = ("workflow", "project", "service", "agent", "name", "named")


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule and the project it is for; `*` means every project."""

    project: str
    rule: NamingRule


def read_prices(path: Path) -> tuple[PriceRow, ...]:
    """The rows of a file of prices.

    Raises:
        SettingsError: the file is missing or cannot be used; one sentence with file and line.
    """
    return parse_prices(_text(path), file=path.name)


def read_rules(path: Path) -> tuple[FileRule, ...]:
    """The rules of a file of workflow names.

    Raises:
        SettingsError: the file is missing or cannot be used; one sentence with file and line.
    """
    return parse_rules(_text(path), file=path.name)


def parse_prices(text: str, *, file: str = "prices.yaml") -> tuple[PriceRow, ...]:
    """Rows below `prices:`.

    Raises:
        SettingsError: see `read_prices`.
    """
    try:
        top = read.compose(text, file=file, empty="Write `prices:` and a list of rows.").fields(("prices",))
        rows = tuple(_price(item) for item in top["prices"].items()) if "prices" in top else ()
    except YamlFileError as error:
        raise SettingsError(str(error)) from None
    names = [row.name for row in rows]
    if repeated := next((name for name in names if names.count(name) > 1), ""):
        raise SettingsError(f"{file}: two prices are named {repeated!r}. Give each a name of its own.")
    return rows


def parse_rules(text: str, *, file: str = "workflows.yaml") -> tuple[FileRule, ...]:
    """Rules below `workflows:`, in order.

    Raises:
        SettingsError: see `read_rules`.
    """
    try:
        top = read.compose(text, file=file, empty="Write `workflows:` and a list of rules.").fields(("workflows",))
        return tuple(_rule(item) for item in top["workflows"].items()) if "workflows" in top else ()
    except YamlFileError as error:
        raise SettingsError(str(error)) from None


def _text(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}).") from None


def _price(item: Place) -> PriceRow:
    fields = item.fields(_PRICE)
    for name in ("name", "model", "usd_per_million"):
        if name not in fields:
            raise item.refuse(f"lacks {name!r}", "Each price has a name, a model pattern and usd_per_million.")
    from_ns = optional(fields, "from", _day_ns, 0)
    until_ns = _day_ns(fields["until"]) if "until" in fields else None
    if until_ns is not None and until_ns <= from_ns:
        raise fields["until"].refuse("must be later than `from`")
    prices: dict[str, Decimal] = {
        name: read.money(place) for name, place in fields["usd_per_million"].fields(CLASSES).items()
    }
    if not prices:
        raise fields["usd_per_million"].refuse("names no price", f"Use {', '.join(CLASSES)}.")
    return PriceRow(
        name=read.text(fields["name"]),
        model=read.text(fields["model"]),
        prices=prices,
        provider=optional(fields, "provider", read.text, "*"),
        from_ns=from_ns,
        until_ns=until_ns,
    )


def _rule(item: Place) -> FileRule:
    fields = item.fields(_RULE)
    if "workflow" not in fields:
        raise item.refuse("lacks 'workflow'", "Say which workflow the runs belong to.")
    patterns = {name: read.text(fields[name]) for name in ("service", "agent", "name", "named") if name in fields}
    if not patterns:
        raise item.refuse("matches every run", "Give a pattern for service, agent, name or named.")
    return FileRule(
        optional(fields, "project", read.text, "*"), NamingRule(read.text(fields["workflow"])[:120], **patterns)
    )


def _day_ns(place: Place) -> int:
    """Midnight UTC of a date such as 2026-01-31."""
    said = place.scalar("str", "timestamp") or ""
    try:
        day = datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise place.refuse("must be a date", "Write it like 2026-01-31.") from None
    return int(day.timestamp()) * 1_000_000_000
