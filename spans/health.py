"""Delivery check and ingest status: what every accepted item became, and what is arriving now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

ForwardSignal = Literal["spans", "logs"]
"""What is forwarded, each with an offset of its own."""


@dataclass(frozen=True, slots=True)
class SignalCount:
    """The conservation law of one signal: `acked = pending + stored + quarantined + dropped_by_person + expired`."""

    received: int = 0
    acked: int = 0
    refused: int = 0
    pending: int = 0
    stored: int = 0
    quarantined: int = 0
    dropped_by_person: int = 0
    expired: int = 0
    stored_as: Mapping[str, int] = field(default_factory=dict)
    """rows, duplicate, folded, discarded, withheld, erased."""

    def gap(self) -> int:
        """Items unaccounted for; anything but 0 is a bug and a red banner."""
        return self.acked - self.pending - self.stored - self.quarantined - self.dropped_by_person - self.expired


@dataclass(frozen=True, slots=True)
class Health:
    """Both signals."""

    spans: SignalCount = field(default_factory=SignalCount)
    logs: SignalCount = field(default_factory=SignalCount)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One kind of recent request at the receiver; never any content. `reason` is a sentence of ours."""

    time_ns: int
    signal: str
    transport: str
    accepted: bool
    code: str
    items: int
    reason: str = ""
    user_agent: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class RedactionFigures:
    """How redaction is set up, what waits, and how much its detectors found in texts made for measuring."""

    mode: str = "full"
    fingerprint: str = ""
    """Of the rules in force."""
    withheld_waiting: int = 0
    """Sealed originals of withheld texts; destroyed after seven days."""
    recall: tuple[tuple[str, float, int], ...] = ()
    """Entity, share of the planted values that were found, values planted."""
    measured_texts: int = 0
    false_findings: float = 0.0
    """Findings without anything personal, per 400 texts."""


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """Accepted items that could not be processed, still sealed; never any of their content."""

    name: str
    signal: str
    items: int
    project: str
    """Empty when the record was damaged so much that this is not known."""
    received_ns: int
    set_aside_ns: int
    reason: str
    expires_ns: int
    can_be_redriven: bool
    """False when its bytes are damaged: then it can only be dropped."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many items were refused with one answer since the installation began."""

    signal: str
    code: str
    items: int


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """What the ingest dot and the first screen show."""

    arrivals: tuple[Arrival, ...] = ()
    """Newest first, at most 20."""
    spans_per_s: float = 0.0
    last_accepted_ns: int = 0
    workers_ready: int = 0
    workers: int = 0
    receiver_ready: bool = False
    refusals: tuple[Refusals, ...] = ()
    """Most items first."""
    spool_refusal: str = ""
    """Why nothing can be accepted at the moment; empty when something can."""
    newer_segments: int = 0
    """Segments of the spool that a later version wrote and this one leaves alone."""


@dataclass(frozen=True, slots=True)
class ForwardStatus:
    """How far forwarding to another backend has come: one signal, and log records in that of spans."""

    destination: str
    """Its address without a query."""
    offset: int
    """Place in the journal up to which everything arrived or was refused there."""
    sent: int = 0
    refused: int = 0
    """Items that the destination refused for good, each alone."""
    failures: int = 0
    waiting: int = 0
    """Stored items behind the offset."""
    oldest_ns: int = 0
    """When the oldest of them was received; 0 when nothing waits."""
    sent_ns: int = 0
    trouble: str = ""
    """Why nothing can be sent at the moment; empty when all is well."""
    gone: int = 0
    """Items that had expired or were erased here before they could be sent."""
    gone_from_ns: int = 0
    gone_until_ns: int = 0
    """Between when they were received."""
    logs: Self | None = None
    """None where log records are not forwarded."""

    def lag_s(self, now_ns: int) -> float:
        """Age of the oldest item that waits."""
        return max(0.0, (now_ns - self.oldest_ns) / 1e9) if self.oldest_ns else 0.0
