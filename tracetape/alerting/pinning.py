"""Keeps the runs of an incident until 90 days after it was closed."""

from __future__ import annotations

import contextlib

from spans.errors import NotFoundError
from spans.ids import RunId
from store.api import RunQuery, Store
from store.ledger import Ledger
from store.ledger.incidents import PINNED_AFTER_NS, Incident
from store.ledger.pins import PinReason
from tracetape.demo import DEMO_PROJECT

BY = "rule"
MOST_RUNS = 500
"""Of one incident, beside what its alerts name: the latest runs of its workflow while it lasted."""
_OF = "incident "


def pin_runs(ledger: Ledger, project: str, run_ids: tuple[str, ...], words: str, by: str = BY) -> None:
    """Pin what an alert names."""
    for run_id in run_ids:
        ledger.pins.add(project, RunId(run_id), PinReason.INCIDENT, by=by, note=words)


def keep_pins(store: Store, ledger: Ledger, now_ns: int) -> tuple[int, int]:
    """Pin the runs of every incident, and lift the pins of those that were closed long ago.

    A run of a younger incident stays, and so does a pin that a person set.

    Returns:
        How many runs were pinned, and how many pins were lifted.
    """
    pinned = lifted = 0
    for project in set(ledger.alert_rules.projects()) - {DEMO_PROJECT}:
        held = {p.run_id: p.by for p in ledger.pins.list(project) if p.reason is PinReason.INCIDENT}
        wanted: dict[str, Incident] = {}
        young = {BY}
        for incident in ledger.incidents.list(project, limit=10_000):
            if not incident.closed_ns or now_ns - incident.closed_ns < PINNED_AFTER_NS:
                young.add(_OF + incident.incident_id)
                wanted.update(dict.fromkeys(_runs_of(store, ledger, incident, now_ns), incident))
        for run_id in sorted(wanted.keys() - held.keys()):
            incident = wanted[run_id]
            pin_runs(ledger, project, (run_id,), incident.sentence, _OF + incident.incident_id)
            pinned += 1
        over = {run_id for run_id, by in held.items() if by == BY or (by.startswith(_OF) and by not in young)}
        for run_id in sorted(over - wanted.keys()):
            with contextlib.suppress(NotFoundError):
                ledger.pins.lift(project, RunId(run_id), PinReason.INCIDENT)
                lifted += 1
    return pinned, lifted


def _runs_of(store: Store, ledger: Ledger, incident: Incident, now_ns: int) -> set[str]:
    flips = ledger.alerts.flips(incident.project, incident_id=incident.incident_id)
    named = {run_id for flip in flips for run_id in flip.reading.run_ids}
    until_ns = (incident.ended_ns or incident.closed_ns or now_ns) + 1
    query = RunQuery(
        incident.project,
        since_ns=incident.began_ns,
        until_ns=max(until_ns, incident.began_ns + 1),
        workflow=incident.workflow,
        environment=incident.environment,
    )
    return named | set(store.run_ids(query, MOST_RUNS))
