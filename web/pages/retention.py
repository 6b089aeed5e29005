"""The Retention page: every byte by table, class and project; what goes next; what stays; receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from store.ledger.periods import Period
from store.ledger.pins import Pin, PinReason
from store.ledger.receipts import Receipt
from store.retention import CONTENT, Expiring, RetentionRules
from web.format import NBSP
from web.places import Place

CLASSES: Mapping[str, str] = {
    "span_contents": "content",
    "logs": "content",
    "spans": "metadata",
    "facts": "metadata",
    "steps": "metadata",
    "runs": "metadata",
    "hourly_runs": "numbers",
    "hourly_calls": "numbers",
    "hour_marks": "numbers",
}
"""Which period a table follows; numbers go with the runs they sum."""


SETTABLE = (PinReason.LEGAL_HOLD, PinReason.GOLDEN, PinReason.PERSON)
"""Why a person keeps a run; incidents keep theirs by themselves."""


@dataclass(frozen=True, slots=True)
class ByteLine:
    """Bytes on disk of one project in one table; shared out by rows, because parts hold rows of every project."""

    table: str
    kind: str
    project: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One period in force; `workflow` and `project` empty for the default."""

    project: str
    workflow: str
    content_days: int
    metadata_days: int
    changed_by: str
    is_record: bool = False
    override: str = ""


@dataclass(frozen=True, slots=True)
class ExpiryLine:
    """What the next round removes of one day."""

    day: date
    what: str
    rows: int
    held_back: bool


@dataclass(frozen=True, slots=True)
class PinLine:
    """One pinned run."""

    run_id: str
    project: str
    reason: str
    note: str
    by: str
    created_ns: int
    href: str
    key: str
    """The reason as a form sends it."""


@dataclass(frozen=True, slots=True)
class TriedPeriod:
    """A period that was typed and is not set: what the next round would remove beyond what goes anyway, and who stays."""

    period: Period
    goes: tuple[ExpiryLine, ...]
    stays: int
    """Rows that expire today and would not with it."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One removal that was done."""

    time_ns: int
    what: str
    day: date
    rows: int


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """Everything about what is kept for how long."""

    lines: tuple[ByteLine, ...]
    total_bytes: int
    by_kind: tuple[tuple[str, int], ...]
    rules: tuple[RuleLine, ...]
    expiring: tuple[ExpiryLine, ...]
    pins: tuple[PinLine, ...]
    receipts: tuple[ReceiptLine, ...]
    reasons: tuple[tuple[str, str], ...]
    tried: TriedPeriod | None
    beside: tuple[tuple[str, int], ...]
    """What lies beside the store, and its bytes."""
    disk_used: float
    disk_words: str
    is_alarming: bool


def build_retention(
    place: Place,
    *,
    rows: Mapping[str, Mapping[str, int]],
    table_bytes: Mapping[str, int],
    rules: RetentionRules,
    goes: Sequence[tuple[Expiring, Mapping[str, int]]],
    pins: Sequence[Pin],
    receipts: Sequence[Receipt],
    tried: TriedPeriod | None = None,
    beside: Mapping[str, int] = MappingProxyType({}),
    disk: tuple[float, tuple[date, ...]],
) -> RetentionPage:
    """Build the page."""
    lines = tuple(_byte_lines(rows, table_bytes))
    kinds = ("content", "metadata", "numbers")
    used, held_back = disk
    return RetentionPage(
        lines=lines,
        total_bytes=sum(table_bytes.values()) + sum(beside.values()),
        by_kind=tuple((kind, sum(size for t, size in table_bytes.items() if _kind(t) == kind)) for kind in kinds),
        rules=(
            RuleLine("", "", rules.content_days, rules.metadata_days, ""),
            *(
                RuleLine(
                    p.project,
                    p.workflow,
                    p.content_days,
                    p.metadata_days,
                    getattr(p, "changed_by", ""),
                    p.is_record,
                    p.override,
                )
                for p in rules.periods
            ),
        ),
        expiring=tuple(
            ExpiryLine(item.day, _words(item.kind), sum(counts.values()), item.day in held_back)
            for item, counts in goes
        ),
        pins=tuple(
            PinLine(
                str(pin.run_id),
                pin.project,
                pin.reason.value.replace("_", " "),
                pin.note,
                pin.by,
                pin.created_ns,
                place.bare(f"/runs/{pin.run_id}", project=pin.project),
                pin.reason.value,
            )
            for pin in pins
        ),
        receipts=tuple(ReceiptLine(r.time_ns, _words(r.kind), r.day, sum(r.removed.values())) for r in receipts),
        reasons=tuple((reason.value, reason.value.replace("_", " ")) for reason in SETTABLE),
        tried=tried,
        beside=tuple(sorted(beside.items(), key=lambda item: -item[1])),
        disk_used=used,
        disk_words=f"{100 * used:.0f}{NBSP}% of the disk is used" if used else "the disk is on another machine",
        is_alarming=used >= 0.8 or bool(held_back),
    )


def build_tried(
    period: Period,
    now: Sequence[tuple[Expiring, Mapping[str, int]]],
    then: Sequence[tuple[Expiring, Mapping[str, int]]],
) -> TriedPeriod:
    """What a period would change.

    Args:
        period: what was typed.
        now: what the next round removes as things stand.
        then: what it would remove with the period.
    """
    before = {(item.day, item.kind): sum(counts.values()) for item, counts in now}
    after = {(item.day, item.kind): sum(counts.values()) for item, counts in then}
    more = [(key, rows - before.get(key, 0)) for key, rows in sorted(after.items()) if rows > before.get(key, 0)]
    return TriedPeriod(
        period,
        tuple(ExpiryLine(day, _words(kind), rows, held_back=False) for (day, kind), rows in more),
        sum(max(0, rows - after.get(key, 0)) for key, rows in before.items()),
    )


def _byte_lines(rows: Mapping[str, Mapping[str, int]], table_bytes: Mapping[str, int]) -> Sequence[ByteLine]:
    lines = []
    for table, size in table_bytes.items():
        projects = rows.get(table, {})
        total = sum(projects.values())
        if size and not total:
            lines.append(ByteLine(table, _kind(table), "", 0, size))
        for project, count in projects.items():
            lines.append(ByteLine(table, _kind(table), project, count, size * count // total if total else 0))
    return sorted(lines, key=lambda line: -line.bytes)


def _kind(table: str) -> str:
    return CLASSES.get(table, "metadata")


def _words(kind: str) -> str:
    return "messages and arguments" if kind == CONTENT else "everything"
