"""Retention: what of which received day has expired under the rules in force, removed with a receipt, never early."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from spans.errors import SettingsError
from store.api import Store
from store.survivors import KeptLonger, Survivors, survivors_of_age

logger = logging.getLogger(__name__)

CONTENT = "content"
METADATA = "metadata"


class ReceiptBook(Protocol):
    """The part of the ledger that keeps receipts."""

    def write(self, kind: str, day: date, removed: Mapping[str, int]) -> None:
        """Keep a receipt; durable when it returns."""


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Periods in days after receipt, overrides by project and workflow, and the runs that are pinned."""

    content_days: int
    metadata_days: int
    periods: tuple[KeptLonger, ...] = ()
    pinned: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        """Refuse periods that make no sense.

        Raises:
            SettingsError: a period is not positive, or content would outlive metadata.
        """
        if self.content_days < 1 or self.metadata_days < 1:
            raise SettingsError("Retention periods are whole days, at least 1.")
        if self.content_days > self.metadata_days:
            raise SettingsError(
                f"Content ({self.content_days} days) cannot be kept longer than metadata ({self.metadata_days} days)."
            )

    def with_period(self, period: KeptLonger) -> RetentionRules:
        """The same rules with a period of a project or workflow in place of the one it has."""
        others = (p for p in self.periods if (p.project, p.workflow) != (period.project, period.workflow))
        return replace(self, periods=(*others, period))

    def survivors(self, day: date, now: datetime, *, content: bool) -> Survivors:
        """Who stays of a received day at a moment.

        A day goes when its last second is older than the period: so nothing goes early, and nothing stays longer than
        the period and one day.
        """
        return survivors_of_age(
            (now.date() - day).days,
            content=content,
            default_days=self.content_days if content else self.metadata_days,
            periods=self.periods,
            pinned=self.pinned,
        )


@dataclass(frozen=True, slots=True)
class Expiring:
    """A received day of which something has expired: its content, or everything."""

    day: date
    kind: str
    survivors: Survivors


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round: receipts written, and days that wait because there is no room to copy what stays of them."""

    receipts: int
    held_back: tuple[date, ...] = ()


def expiring(days: Iterable[date], now: datetime, rules: RetentionRules) -> tuple[Expiring, ...]:
    """What has expired, oldest first. A day whose runs go only in part may be listed for its content as well."""
    found = []
    for day in sorted(days):
        everything = rules.survivors(day, now, content=False)
        if not everything.everybody:
            found.append(Expiring(day, METADATA, everything))
            if everything.nobody:
                continue
        content = rules.survivors(day, now, content=True)
        if not content.everybody:
            found.append(Expiring(day, CONTENT, content))
    return tuple(found)


def preview(store: Store, now: datetime, rules: RetentionRules) -> tuple[tuple[Expiring, Mapping[str, int]], ...]:
    """What the next round would remove, in rows per table; days that would lose nothing are left out."""
    listed = []
    for item in expiring(store.stored_days(), now, rules):
        goes = store.preview_drop(item.day, item.survivors, content=item.kind == CONTENT)
        if any(goes.values()):
            listed.append((item, goes))
    return tuple(listed)


def apply_retention(
    store: Store,
    receipts: ReceiptBook,
    items: Sequence[Expiring],
    room: Callable[[], int | None] = lambda: None,
) -> Outcome:
    """Remove what has expired and write a receipt for each day that lost something.

    Safe to repeat. When it is interrupted between a drop and its receipt the rows are gone and the receipt is missing,
    never the other way round: a receipt is proof.

    Args:
        store: where.
        receipts: the book.
        items: what `expiring` said.
        room: free bytes for copies; None when nobody knows. Without enough of it a day of which something stays waits,
            because half a copy keeps nothing; a day of which nothing stays goes even on a full disk.
    """
    written, held_back = 0, []
    for item in items:
        free = None if item.survivors.nobody else room()
        if free is not None and store.day_bytes(item.day) > free:
            held_back.append(item.day)
            logger.warning("no room to copy what stays of a day", extra={"day": item.day.isoformat(), "free": free})
            continue
        drop = store.drop_content if item.kind == CONTENT else store.drop_day
        removed = drop(item.day, item.survivors)
        if any(removed.values()):
            receipts.write(item.kind, item.day, removed)
            what = {"day": item.day.isoformat(), "what": item.kind, "removed": removed}
            logger.info("retention dropped a day", extra=what)
            written += 1
    return Outcome(written, tuple(held_back))
