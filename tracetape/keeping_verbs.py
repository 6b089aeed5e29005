"""Verbs about keeping: retention preview and receipts, periods, pins and erasures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from spans.errors import NotFoundError, RefusedError
from spans.ids import RunId, parse_trace_id
from store.ledger.certificates import certificate
from store.ledger.erasures import Erasure, Subject
from store.ledger.periods import Period, period_detail
from store.ledger.pins import PinReason
from store.retention import preview
from tracetape.control import Verb
from tracetape.house import House
from tracetape.keeping import retention_rules

ACTOR = "command line"
ERASE_S = 540.0
"""How long the command line waits for the last byte; after it the erasure goes on without anybody watching."""


def retention_preview(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the next round would remove."""
    rules = retention_rules(house.settings, house.ledger)
    days = [
        {"day": item.day.isoformat(), "kind": item.kind, "rows": dict(rows)}
        for item, rows in preview(house.store, datetime.now(UTC), rules)
    ]
    return {"days": days, "pinned": len(rules.pinned)}


def retention_receipts(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Receipts, newest first."""
    found = house.ledger.receipts.list(limit=int(arguments.get("limit", 50)))
    return {"receipts": [{**asdict(receipt), "day": receipt.day.isoformat()} for receipt in found]}


def retention_set(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Set a period of its own."""
    period = Period(
        str(arguments["project"]),
        str(arguments["workflow"]),
        int(arguments["content"]),
        int(arguments["metadata"]),
        changed_by=ACTOR,
        is_record=bool(arguments.get("records")),
        override=str(arguments.get("override", "")),
    )
    house.ledger.periods.check(period)
    _note(house, period.workflow or period.project, period.project, period_detail(period))
    house.ledger.periods.put(period)
    return {}


def retention_unset(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Go back to the default."""
    project, workflow = str(arguments["project"]), str(arguments["workflow"])
    override = str(arguments.get("override", ""))
    house.ledger.periods.check_removal(project, workflow, override)
    _note(house, workflow or project, project, {"period": "default"} | ({"override": override} if override else {}))
    return {"removed": house.ledger.periods.remove(project, workflow, override)}


def pin(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Pin a run or lift a pin."""
    project, reason = str(arguments["project"]), _reason(str(arguments["reason"]))
    trace = parse_trace_id(str(arguments["run"]))
    run = house.store.read_run(project, trace)
    if run is None and not arguments.get("lift"):
        raise NotFoundError(f"Project {project} has no run {trace}.")
    run_id = run.run_id if run else RunId(trace)
    _note(house, str(run_id), project, {"pin": reason.value, "lifted": str(bool(arguments.get("lift"))).lower()})
    if arguments.get("lift"):
        house.ledger.pins.lift(project, run_id, reason)
    else:
        house.ledger.pins.add(project, run_id, reason, by=ACTOR)
    return {"run_id": str(run_id)}


def erase_preview(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an erasure would remove."""
    return asdict(house.erasing.preview(str(arguments["project"]), *_target(arguments)))


def erase(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Erase, and return the certificate; one that is not finished says what it waits for and goes on by itself."""
    override = str(arguments.get("override", ""))
    begun = house.erasing.erase(str(arguments["project"]), *_target(arguments), by=ACTOR, override=override)
    return _told(house, house.erasing.wait(begun.erasure_id, ERASE_S, is_flowing=house.is_flowing))


def erasures(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every certificate, and what unfinished erasures wait for; newest first."""
    if not house.is_flowing:
        house.erasing.go_on()
    project = str(arguments.get("project", "")) or None
    return {"erasures": [_told(house, one) for one in house.ledger.erasures.list(project)]}


def _told(house: House, erasure: Erasure) -> dict[str, Any]:
    told = certificate(erasure)
    return told if erasure.finished_ns else {**told, "waits_for": asdict(house.erasing.waits_for(erasure.erasure_id))}


def _target(arguments: Mapping[str, Any]) -> tuple[Subject, str]:
    subject, target = Subject(str(arguments["subject"])), str(arguments["target"])
    if subject is Subject.RUN:
        target = str(parse_trace_id(target))
    return subject, target


def _reason(text: str) -> PinReason:
    try:
        return PinReason(text)
    except ValueError:
        known = ", ".join(PinReason)
        raise RefusedError(f"{text[:50]!r} is no reason to pin a run; reasons are {known}.") from None


def _note(house: House, target: str, project: str, detail: Mapping[str, str]) -> None:
    """The access log first: what cannot be written there is not done."""
    house.ledger.audit.append(ACTOR, "retention_change", target=target, project=project, detail=detail)


VERBS: Mapping[str, Verb] = {
    "retention_preview": retention_preview,
    "retention_receipts": retention_receipts,
    "retention_set": retention_set,
    "retention_unset": retention_unset,
    "pin": pin,
    "erase_preview": erase_preview,
    "erase": erase,
    "erasures": erasures,
}
