"""Quarantine as the pages show it: what is set aside, tried again or dropped by a person."""

from __future__ import annotations

from collections.abc import Callable

from collector.quarantine import KEEP_NS, Quarantine
from spans.health import QuarantinedRecord


class QuarantineDesk:
    """Implements `web.services.QuarantineDesk` on the broker's quarantine."""

    def __init__(self, quarantine: Callable[[], Quarantine]) -> None:
        self._quarantine = quarantine

    def list(self) -> tuple[QuarantinedRecord, ...]:
        """Everything in quarantine, oldest first."""
        return tuple(
            QuarantinedRecord(
                kept.name,
                kept.signal,
                kept.items,
                kept.project,
                kept.received_ns,
                kept.set_aside_ns,
                kept.reason,
                (kept.set_aside_ns or kept.received_ns) + KEEP_NS,
                can_be_redriven=bool(kept.segment),
            )
            for kept in self._quarantine().list()
        )

    def redrive(self, name: str) -> int:
        """Try a record again; see `collector.quarantine.Quarantine`."""
        return self._quarantine().redrive(name)

    def drop(self, name: str) -> int:
        """Destroy a record for good; see `collector.quarantine.Quarantine`."""
        return self._quarantine().drop(name)
