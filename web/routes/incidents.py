"""Incidents: the list, the page a notification opens, and what people do there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import PlainTextResponse, Response

from insights.policies import book_of
from spans.change import MarkKind
from spans.content import SpanContent
from spans.errors import NotFoundError, RefusedError
from spans.roles import Permission
from spans.run import Assembly, Run, Step
from store.api import RunQuery
from store.ledger.incidents import Incident
from store.ledger.workflow_states import WorkMode
from web.callers import Caller, Reader, Reviewer
from web.csv import csv_text
from web.desk import Desk
from web.evidence import read_some
from web.pages.incidents import (
    IncidentPage,
    StateChange,
    build_incident,
    build_incidents,
    incident_markdown,
    with_content,
    writes_of,
)
from web.places import Place
from web.routes.api import answer
from web.routes.common import actor_names, desk_of, go, record
from web.routes.findings import project_of

router = APIRouter()

MOST_RUNS = 500
MOST_NOTE = 2_000
RECENT_NS = 600 * 1_000_000_000
BEFORE_NS = 24 * 3_600 * 1_000_000_000
"""How long before an incident's beginning a change is worth showing."""


@router.get("/incidents")
def incidents(request: Request, caller: Reader) -> Response:
    """What fires now, and what did."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    ledger = desk.services.ledger
    page = build_incidents(place, ledger.incidents.list(place.project), len(ledger.alert_rules.list(place.project)))
    return desk.page(
        request, "incidents.html", desk.frame(request, caller, place, "Incidents", active="incidents"), page
    )


@router.get("/incidents/{incident_id}")
def incident(request: Request, caller: Reader, incident_id: str) -> Response:
    """One incident."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = _incident(desk, place.project, incident_id)
    page = _page(desk, caller, place, found)
    record(desk, caller, "content_read", f"incident {incident_id}", place.project)
    title = f"{found.workflow} · {page.line.state}"
    return desk.page(request, "incident.html", desk.frame(request, caller, place, title, active="incidents"), page)


@router.get("/incidents/{incident_id}/report.md")
def report(request: Request, caller: Reader, incident_id: str) -> Response:
    """The incident as Markdown."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = _incident(desk, place.project, incident_id)
    record(desk, caller, "export", f"incident {incident_id}", place.project)
    url = f"{desk.services.endpoints.public_url}/incidents/{incident_id}"
    text = incident_markdown(_page(desk, caller, place, found), url)
    headers = {"Content-Disposition": f'attachment; filename="incident-{found.incident_id}.md"'}
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8", headers=headers)


@router.get("/incidents/{incident_id}/writes.csv")
def writes(request: Request, caller: Reader, incident_id: str) -> Response:
    """Every executed write of the incident, for a spreadsheet."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = _incident(desk, place.project, incident_id)
    record(desk, caller, "export", f"writes of incident {incident_id}", place.project)
    affected = _affected(desk, found)
    policy = book_of(desk.services.ledger.policies.current(place.project)).find(found.workflow)
    plain = writes_of(place, affected, policy)
    text = csv_text(
        ("time_ns", "run", "tool", "effect", "outcome", "call_id", "arguments", "result", "address"),
        (
            (w.time_ns, w.step.run_id, w.tool, w.effect, w.outcome, w.call_id, w.arguments, w.result, w.href)
            for w in with_content(plain, _contents(desk, place.project, [w.step for w in plain]))
        ),
    )
    headers = {"Content-Disposition": f'attachment; filename="writes-{found.incident_id}.csv"'}
    return PlainTextResponse(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/incidents/{incident_id}/acknowledge")
def acknowledge(request: Request, caller: Reviewer, incident_id: str) -> Response:
    """Somebody looks after it."""
    desk, place, found = _for_change(request, caller, incident_id, "acknowledge")
    desk.services.ledger.incidents.acknowledge(found, caller.actor)
    return go(request, place.url(f"/incidents/{incident_id}"))


@router.post("/incidents/{incident_id}/assign")
def assign(request: Request, caller: Reviewer, incident_id: str, assignee: Annotated[str, Form()] = "") -> Response:
    """Give it to somebody."""
    desk, place, found = _for_change(request, caller, incident_id, "assign")
    desk.services.ledger.incidents.assign(found, " ".join(assignee.split())[:80])
    return go(request, place.url(f"/incidents/{incident_id}"))


@router.post("/incidents/{incident_id}/note")
def note(request: Request, caller: Reviewer, incident_id: str, text: Annotated[str, Form()] = "") -> Response:
    """Write something down; it is redacted like everything else."""
    if not text.strip():
        raise RefusedError("The note is empty; write what you saw or did.")
    if len(text) > MOST_NOTE:
        raise RefusedError(f"A note has at most {MOST_NOTE:,} characters.")
    desk, place, found = _for_change(request, caller, incident_id, "note")
    desk.services.ledger.incidents.note(found, caller.actor, desk.services.redact_text(place.project, text.strip()))
    return go(request, place.url(f"/incidents/{incident_id}"))


@router.post("/incidents/{incident_id}/close")
def close(request: Request, caller: Reviewer, incident_id: str) -> Response:
    """The work is done, or it was not over after all."""
    desk, place, found = _for_change(request, caller, incident_id, "close")
    if found.is_open:
        desk.services.ledger.incidents.close(found, caller.actor)
    else:
        desk.services.ledger.incidents.reopen(found)
    return go(request, place.url(f"/incidents/{incident_id}"))


@router.post("/incidents/{incident_id}/mode")
def set_mode(request: Request, caller: Reviewer, incident_id: str, mode: Annotated[str, Form()]) -> Response:
    """Set what agents of the workflow are told when they ask; tracetape itself enforces nothing."""
    if mode not in set(WorkMode):
        raise RefusedError(f"The mode is one of {', '.join(WorkMode)}.")
    desk, place, found = _for_change(request, caller, incident_id, f"mode {mode}")
    desk.services.ledger.states.put(
        place.project,
        found.environment,
        found.workflow,
        WorkMode(mode),
        reason=f"incident {incident_id}",
        set_by=caller.actor,
    )
    return go(request, place.url(f"/incidents/{incident_id}"))


@router.get("/api/v1/incidents")
def incidents_json(request: Request, caller: Reader) -> Response:
    """Incidents, newest first."""
    project = project_of(request, caller)
    return answer([_json(found) for found in desk_of(request).services.ledger.incidents.list(project)])


def _json(found: Incident) -> dict[str, object]:
    return {
        "incident_id": found.incident_id,
        "workflow": found.workflow,
        "environment": found.environment,
        "severity": found.severity,
        "sentence": found.sentence,
        "firing": found.is_firing,
        "open": found.is_open,
        "began_ns": found.began_ns,
        "opened_ns": found.opened_ns,
        "ended_ns": found.ended_ns or None,
        "closed_ns": found.closed_ns or None,
        "acknowledged_by": found.acknowledged_by,
        "assignee": found.assignee,
        "first_bad_run": found.first_bad_run,
    }


def _incident(desk: Desk, project: str, incident_id: str) -> Incident:
    found = desk.services.ledger.incidents.get(project, incident_id)
    if found is None:
        raise NotFoundError(f"There is no incident {incident_id[:40]!r} in project {project!r}.")
    return found


def _for_change(request: Request, caller: Caller, incident_id: str, did: str) -> tuple[Desk, Place, Incident]:
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = _incident(desk, place.project, incident_id)
    record(desk, caller, "review", f"incident {incident_id}", place.project, {"did": did})
    return desk, place, found


def _page(desk: Desk, caller: Caller, place: Place, found: Incident) -> IncidentPage:
    services = desk.services
    ledger, now_ns = services.ledger, services.clock_ns()
    affected = _affected(desk, found)
    own = RunQuery(place.project, workflow=found.workflow, environment=found.environment)
    recent = services.store.totals(_between(own, now_ns - RECENT_NS, now_ns)).runs
    bad = services.store.read_run(place.project, found.first_bad_run) if found.first_bad_run else None  # type: ignore[arg-type]
    return build_incident(
        place,
        found,
        alerts=[a for a in ledger.alerts.load(place.project) if a.incident_id == found.incident_id],
        flips=ledger.alerts.flips(place.project, incident_id=found.incident_id),
        notes=ledger.incidents.notes(found),
        names=actor_names(desk),
        policy=book_of(ledger.policies.current(place.project)).find(found.workflow),
        affected=affected,
        contents=lambda steps: _contents(desk, place.project, steps),
        runs=services.store.totals(_between(own, found.began_ns, found.ended_ns or now_ns)).runs,
        recent=recent,
        bad=bad,
        good=_last_good(desk, own, found.began_ns),
        changes=_changes(desk, own, found),
        told=ledger.states.get(place.project, found.environment, found.workflow),
        mode=ledger.states.position(place.project, found.environment, found.workflow).mode.value,
        may_act=caller.may(Permission.REVIEW),
        now_ns=now_ns,
    )


def _between(query: RunQuery, since_ns: int, until_ns: int) -> RunQuery:
    return replace(query, since_ns=max(0, since_ns), until_ns=max(until_ns, since_ns + 1))


def _affected(desk: Desk, found: Incident) -> tuple[Assembly, ...]:
    """The runs of the workflow since it began, with their steps."""
    store = desk.services.store
    until = found.ended_ns or desk.services.clock_ns()
    own = RunQuery(found.project, workflow=found.workflow, environment=found.environment)
    ids = store.run_ids(_between(own, found.began_ns, until + 1), MOST_RUNS)
    return store.read_assemblies(found.project, ids)


def _contents(desk: Desk, project: str, steps: Sequence[Step]) -> Mapping[str, SpanContent]:
    return read_some(desk.services.store, project, steps).by_span(steps)


def _last_good(desk: Desk, own: RunQuery, before_ns: int) -> Run | None:
    store = desk.services.store
    query = replace(_between(own, before_ns - 30 * BEFORE_NS, before_ns), limit=1)
    for wanted in ({"outcome": "success"}, {"status": "ok", "denied": False}):
        rows = store.find_runs(replace(query, **wanted)).rows
        if rows:
            return rows[0]
    return None


def _changes(desk: Desk, own: RunQuery, found: Incident) -> tuple[StateChange, ...]:
    """What people marked and what marked itself shortly before it was found, and versions that first ran then."""
    store, marks = desk.services.store, desk.services.ledger.marks
    since_ns, until_ns = found.began_ns - BEFORE_NS, found.opened_ns
    near = marks.list(found.project, since_ns, until_ns, found.workflow)
    lines = {
        (mark.kind.value, mark.label): StateChange(mark.at_ns, "running", mark.sentence)
        for mark in near
        if mark.environment in {"", found.environment}
    }
    around = _between(own, since_ns, until_ns)
    before = {v for v, _ in store.values(_between(own, since_ns - 7 * BEFORE_NS, since_ns), "version")}
    fresh = [v for v, _ in store.values(around, "version") if v not in before]
    for version in fresh[:5] if before else ():
        # The evaluator marks versions as well, but may not have come by yet.
        if (MarkKind.VERSION.value, version) not in lines:
            found_runs = store.find_runs(replace(around, version=version, limit=200)).rows
            first = min((run.started_ns for run in found_runs), default=since_ns)
            lines[MarkKind.VERSION.value, version] = StateChange(first, "running", f"version {version} first seen")
    return tuple(sorted(lines.values(), key=lambda line: line.time_ns))
