"""Runs in groups: what the runs of each workflow, session or user came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from store.api import GroupRow
from web.pages.overview import success_words
from web.places import Place

GROUPINGS = (("", "not grouped"), ("workflow", "by workflow"), ("session", "by session"), ("user", "by user"))
MOST_GROUPS = 100
COLUMNS = ("runs", "success", "cost", "per_success", "tokens", "denials", "last")
"""What groups are ordered by, as an address names it; `_up` behind it turns it round."""

ORDER_WORDS: Mapping[str, str] = {
    "": "most runs first",
    "success_up": "lowest success rate first",
    "success": "highest success rate first",
    "cost": "most expensive first",
    "per_success": "highest cost per success first",
    "tokens": "most tokens first",
    "denials": "most denials first",
    "last": "latest run first",
}
"""What the menu offers; on a phone there are no heads to press."""


@dataclass(frozen=True, slots=True)
class Head:
    """A column head that orders the whole list, not only the rows of this page."""

    href: str
    sort: str
    """`ascending`, `descending`, or empty when the list has another order."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that share a value."""

    value: str
    href: str
    """The list of its runs."""
    runs: int
    success: str
    cost_usd: Decimal | None
    unpriced_calls: int
    cost_per_success: Decimal | None
    tokens: int
    denials: int
    denied_href: str
    last_ns: int


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a list."""

    words: str
    """`by user`"""
    rows: tuple[Group, ...]
    heads: Mapping[str, Head]
    orders: tuple[tuple[str, str, bool], ...]
    """(words, address, active) of every order that the menu offers."""
    order: str
    """The words of the order, when it is not the usual one."""
    is_cut: bool
    """Whether there may be more groups than are shown."""


def build_groups(
    place: Place, own: Mapping[str, str], group: str, found: Sequence[GroupRow], order: str = ""
) -> Groups:
    """The groups that the store found.

    Args:
        place: Where the page stands.
        own: The list's own filters, which the list of a group keeps.
        group: The field it is grouped by.
        found: At most `MOST_GROUPS` groups, in order.
        order: How they are ordered; empty for most runs first.
    """
    shown = order or "runs"
    by = "" if order == "runs" else order
    return Groups(
        dict(GROUPINGS)[group],
        tuple(_group(place, {k: v for k, v in own.items() if k != "order"}, group, row) for row in found),
        {column: _head(place, own, group, column, shown) for column in COLUMNS},
        tuple((words, _ordered(place, own, group, name), name == by) for name, words in ORDER_WORDS.items()),
        ORDER_WORDS.get(by, "") if by else "",
        len(found) >= MOST_GROUPS,
    )


def _group(place: Place, own: Mapping[str, str], group: str, row: GroupRow) -> Group:
    totals = row.totals
    mine = {**own, group: row.value}
    return Group(
        value=row.value,
        href=place.url("/runs", **mine),
        runs=totals.runs,
        success=success_words(totals),
        cost_usd=totals.cost_usd,
        unpriced_calls=totals.unpriced_calls,
        cost_per_success=totals.cost_per_success,
        tokens=totals.input_tokens + totals.output_tokens,
        denials=totals.denials,
        denied_href=place.url("/runs", **{**mine, "denied": "1"}),
        last_ns=row.last_started_ns,
    )


def _head(place: Place, own: Mapping[str, str], group: str, column: str, order: str) -> Head:
    by = f"{column}_up" if order == column else column
    sort = {column: "descending", f"{column}_up": "ascending"}.get(order, "")
    return Head(_ordered(place, own, group, "" if by == "runs" else by), sort)


def _ordered(place: Place, own: Mapping[str, str], group: str, by: str) -> str:
    return place.url("/runs", **{**own, "group": group, "by": by})
