"""Keeps the runs of an incident until 90 days after it was closed."""

from __future__ import annotations

import contextlib

from spans.errors import NotFoundError
from spans.ids import RunId
from store.ledger import Ledger
from store.ledger.incidents import PINNED_AFTER_NS
from store.ledger.pins import PinReason

BY = "rule"


def pin_runs(ledger: Ledger, project: str, run_ids: tuple[str, ...], incident_words: str) -> None:
    """Pin what an alert names."""
    for run_id in run_ids:
        ledger.pins.add(project, RunId(run_id), PinReason.INCIDENT, by=BY, note=incident_words)


def lift_old_pins(ledger: Ledger, now_ns: int) -> int:
    """Lift the pins of incidents that were closed long ago; a run of a younger incident stays. Returns how many went."""
    lifted = 0
    for project in ledger.alert_rules.projects():
        old: set[str] = set()
        young: set[str] = set()
        for incident in ledger.incidents.list(project, limit=10_000):
            runs = {
                run_id
                for flip in ledger.alerts.flips(project, incident_id=incident.incident_id)
                for run_id in flip.reading.run_ids
            }
            is_old = bool(incident.closed_ns) and now_ns - incident.closed_ns >= PINNED_AFTER_NS
            (old if is_old else young).update(runs)
        for run_id in sorted(old - young):
            with contextlib.suppress(NotFoundError):
                ledger.pins.lift(project, RunId(run_id), PinReason.INCIDENT)
                lifted += 1
    return lifted
