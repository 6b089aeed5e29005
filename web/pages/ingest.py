"""Settings ▸ Ingest: the delivery check, what is in quarantine, what was refused, what is arriving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from spans.health import ForwardStatus, Health, IngestStatus, QuarantinedRecord, SignalCount

MEANINGS = {
    "400": "not OTLP, or no item of it could be used",
    "401": "no key, or a wrong one",
    "403": "a key that may not send",
    "413": "too large",
    "415": "another content type or encoding",
    "503": "the receiver was busy, or its disk was full; the sender was asked to come back",
    "200": "bad items in batches whose rest was kept",
}
_GRPC = {
    "INVALID_ARGUMENT": "400",
    "UNAUTHENTICATED": "401",
    "PERMISSION_DENIED": "403",
    "RESOURCE_EXHAUSTED": "413",
    "UNIMPLEMENTED": "415",
    "UNAVAILABLE": "503",
    "OK": "200",
}


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One signal of the delivery check."""

    signal: str
    counts: SignalCount
    gap: int
    stored_as: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Refused items of one signal and answer."""

    signal: str
    code: str
    items: int
    meaning: str


@dataclass(frozen=True, slots=True)
class IngestPage:
    """What every accepted item became, and what is not on its way into the store."""

    rows: tuple[DeliveryRow, ...] = field(metadata={"help": "The delivery check, one row per signal"})
    status: IngestStatus = field(metadata={"help": "What is arriving now"})
    holds: bool = field(metadata={"help": "Whether the law holds for every signal"})
    quarantine: tuple[QuarantinedRecord, ...] = field(default=(), metadata={"help": "Oldest first"})
    refusals: tuple[RefusalRow, ...] = field(default=(), metadata={"help": "Most items first"})
    may_decide: bool = field(default=False, metadata={"help": "Whether the caller may try again and drop"})
    asked: str = field(default="", metadata={"help": "The record that is asked about before it is destroyed"})
    forward: ForwardStatus | None = field(default=None, metadata={"help": "Forwarding to another backend, if any"})


def build_ingest(
    health: Health,
    status: IngestStatus,
    quarantine: Sequence[QuarantinedRecord] = (),
    *,
    may_decide: bool = False,
    asked: str = "",
    forward: ForwardStatus | None = None,
) -> IngestPage:
    """Build the page."""
    rows = tuple(
        DeliveryRow(name, c, c.gap(), tuple(sorted(c.stored_as.items())))
        for name, c in (("spans", health.spans), ("logs", health.logs))
    )
    refusals = tuple(
        RefusalRow(r.signal, r.code, r.items, MEANINGS.get(_GRPC.get(r.code, r.code), ""))
        for r in sorted(status.refusals, key=lambda r: -r.items)
        if r.items
    )
    known = {record.name for record in quarantine}
    return IngestPage(
        rows,
        status,
        all(not r.gap for r in rows),
        tuple(quarantine),
        refusals,
        may_decide,
        asked if asked in known else "",
        forward,
    )
