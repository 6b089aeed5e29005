"""Retention: drops received days that are older than their period, content sooner than metadata, each with a receipt."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from spans.errors import SettingsError
from store.api import Store

logger = logging.getLogger(__name__)

CONTENT = "content"
METADATA = "metadata"


class ReceiptBook(Protocol):
    """The part of the ledger that keeps receipts."""

    def write(self, kind: str, day: date, removed: Mapping[str, int]) -> None:
        """Keep a receipt; durable when it returns."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The first received days that must stay."""

    content_from: date
    metadata_from: date


def expired_days(now: datetime, content_days: int, metadata_days: int) -> Limits:
    """The days to keep at a moment: a day goes when its last second is older than the period.

    So nothing goes early, and nothing stays longer than the period and one day.

    Raises:
        SettingsError: a period is not positive, or content would outlive metadata.
    """
    if content_days < 1 or metadata_days < 1:
        raise SettingsError("Retention periods are whole days, at least 1.")
    if content_days > metadata_days:
        raise SettingsError(
            f"Content ({content_days} days) cannot be kept longer than metadata ({metadata_days} days)."
        )
    today = now.date()
    return Limits(today - timedelta(days=content_days), today - timedelta(days=metadata_days))


def apply_retention(store: Store, receipts: ReceiptBook, limits: Limits) -> int:
    """Drop what has expired and write a receipt for each day that lost something; returns how many receipts.

    Safe to repeat. When it is interrupted between a drop and its receipt the rows are gone and the receipt is missing,
    never the other way round: a receipt is proof.
    """
    written = 0
    for day in store.stored_days():
        if day < limits.metadata_from:
            kind, removed = METADATA, store.drop_day(day)
        elif day < limits.content_from:
            kind, removed = CONTENT, store.drop_content(day)
        else:
            continue
        if any(removed.values()):
            receipts.write(kind, day, removed)
            logger.info("retention dropped a day", extra={"day": day.isoformat(), "what": kind, "removed": removed})
            written += 1
    return written
