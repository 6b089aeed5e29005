"""The delivery check: what every accepted item became, exact at any moment (design, section 10)."""

from __future__ import annotations

from collections.abc import Mapping

from spans.health import Health, SignalCount
from store.ledger.slots import SlotTotals
from tracetape.assembler import Backlog


def health(
    totals: Mapping[str, SlotTotals],
    pending: Mapping[str, int],
    refused: Mapping[str, int],
    backlog: Backlog,
) -> Health:
    """Combine the slot ledger, the spool's backlog, the receiver's refusals and the assembly backlog.

    An item counts as stored only when it is assembled and searchable; until then it is pending.
    """
    return Health(
        spans=_count(
            totals.get("spans"),
            pending.get("spans", 0),
            refused.get("spans", 0),
            max(backlog.spans, min(backlog.traces, 1)),
        ),
        logs=_count(totals.get("logs"), pending.get("logs", 0), refused.get("logs", 0), backlog.logs),
    )


def _count(settled: SlotTotals | None, in_spool: int, refused: int, unassembled: int) -> SignalCount:
    kept = settled.stored if settled else 0
    waiting = min(kept, unassembled)
    quarantined = settled.quarantined if settled else 0
    dropped = settled.dropped_by_person if settled else 0
    expired = settled.expired if settled else 0
    acked = kept + in_spool + quarantined + dropped + expired
    shapes = {"rows": 0, "duplicate": 0, "folded": 0, "discarded": 0, "withheld": 0, "erased": 0}
    return SignalCount(
        received=acked + refused,
        acked=acked,
        refused=refused,
        pending=in_spool + waiting,
        stored=kept - waiting,
        quarantined=quarantined,
        dropped_by_person=dropped,
        expired=expired,
        stored_as=shapes | dict(settled.stored_as if settled else {}),
    )
