"""Data & privacy ▸ Retention, and the link to a trace from anywhere: `/t/TRACE` opens its run or says why not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from spans.errors import NotFoundError, RefusedError
from spans.ids import RunId, TraceId, parse_trace_id
from store.api import GoneReason
from store.ledger.periods import Period, period_detail
from store.ledger.pins import PinReason
from store.retention import preview
from web.callers import Admin, Caller, Reader
from web.desk import Desk
from web.pages.retention import SETTABLE, build_retention, build_tried
from web.routes.common import desk_of, find_run, go, record

router = APIRouter()

RECEIPTS = 100
MOST_NAME = 200
MOST_REASON = 400
_TRACEPARENT = re.compile(r"\s*[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*", re.IGNORECASE | re.DOTALL)


@router.get("/retention")
def retention(request: Request, caller: Admin) -> Response:
    """What is kept for how long, what goes next, and what went."""
    return _page(request, caller)


def _page(request: Request, caller: Caller, typed: Period | None = None) -> Response:
    """The page; with a period that was typed and is not set, what it would change."""
    desk = desk_of(request)
    store, ledger, services = desk.services.store, desk.services.ledger, desk.services
    if services.retention_rules is None:
        raise NotFoundError("This server does not remove anything; another process does.")
    place = desk.place(request, caller)
    rules, now = services.retention_rules(), datetime.fromtimestamp(services.clock_ns() / 1e9, UTC)
    goes = preview(store, now, rules)
    tried = build_tried(typed, goes, preview(store, now, rules.with_period(typed))) if typed else None
    page = build_retention(
        place,
        rows=store.stored_rows(),
        table_bytes=store.stored_bytes(),
        rules=rules,
        goes=goes,
        pins=ledger.pins.list(),
        receipts=ledger.receipts.list(limit=RECEIPTS),
        tried=tried,
        beside=services.beside_bytes(),
        disk=services.disk(),
    )
    frame = desk.frame(request, caller, place, "Retention", active="privacy")
    return desk.page(request, "retention.html", frame, page)


def _asked(
    content_days: Annotated[int, Form()],
    metadata_days: Annotated[int, Form()],
    project: Annotated[str, Form()],
    workflow: Annotated[str, Form()] = "",
    records: Annotated[bool, Form()] = False,
    override: Annotated[str, Form()] = "",
) -> Period:
    """The period of the form, its reason as typed."""
    return Period(
        *_owner(project, workflow), content_days, metadata_days, is_record=records, override=override[:MOST_REASON]
    )


Asked = Annotated[Period, Depends(_asked)]


@router.post("/retention/set")
def set_period(request: Request, caller: Admin, asked: Asked) -> Response:
    """Give a project or workflow a period of its own."""
    desk = desk_of(request)
    why = desk.services.redact_text(asked.project, asked.override).strip() if asked.override.strip() else ""
    period = replace(asked, changed_by=caller.actor, override=why)
    desk.services.ledger.periods.check(period)
    record(desk, caller, "retention_change", period.workflow or period.project, period.project, period_detail(period))
    desk.services.ledger.periods.put(period)
    return go(request, "/retention")


@router.post("/retention/preview")
def preview_period(request: Request, caller: Admin, asked: Asked) -> Response:
    """What the next round would remove if a project or workflow had this period; nothing is set.

    Raises:
        RefusedError: it could not be set.
    """
    desk_of(request).services.ledger.periods.check(asked)
    return _page(request, caller, asked)


def _owner(project: str, workflow: str) -> tuple[str, str]:
    named = project.strip()[:MOST_NAME]
    if not named:
        raise RefusedError("A period belongs to a project; name it.")
    return named, workflow.strip()[:MOST_NAME]


@router.post("/retention/pin")
def keep(
    request: Request,
    caller: Admin,
    run: Annotated[str, Form()],
    reason: Annotated[PinReason, Form()],
    note: Annotated[str, Form()] = "",
) -> Response:
    """Keep a run beyond its day, with the reason.

    Raises:
        RefusedError: incidents keep their runs by themselves.
        NotFoundError: the project has no such run.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    if reason not in SETTABLE:
        raise RefusedError("The runs of an incident are kept by the incident; choose another reason.")
    found = find_run(desk.services.store, place.project, run)
    clean = desk.services.redact_text(place.project, note[:MOST_REASON]) if note.strip() else ""
    record(desk, caller, "retention_change", found.run_id, place.project, {"did": "pin", "reason": reason.value})
    desk.services.ledger.pins.add(place.project, found.run_id, reason, by=caller.actor, note=clean)
    return go(request, "/retention")


@router.post("/retention/lift")
def lift(
    request: Request,
    caller: Admin,
    run: Annotated[str, Form()],
    reason: Annotated[PinReason, Form()],
    project: Annotated[str, Form()],
) -> Response:
    """Take one reason to keep a run away.

    Raises:
        RefusedError: an incident's, which goes 90 days after the incident is closed.
        NotFoundError: it is not kept for that.
    """
    desk = desk_of(request)
    if reason not in SETTABLE:
        raise RefusedError("An incident lets its runs go 90 days after it is closed.")
    run_id = RunId(parse_trace_id(run))
    mine = caller.project_or(project, caller.project or project)
    record(desk, caller, "retention_change", run_id, mine, {"did": "unpin", "reason": reason.value})
    desk.services.ledger.pins.lift(mine, run_id, reason)
    return go(request, "/retention")


@router.post("/retention/unset")
def unset_period(
    request: Request,
    caller: Admin,
    project: Annotated[str, Form()],
    workflow: Annotated[str, Form()] = "",
    override: Annotated[str, Form()] = "",
) -> Response:
    """Go back to the default."""
    desk = desk_of(request)
    why = desk.services.redact_text(project, override[:MOST_REASON]).strip() if override.strip() else ""
    desk.services.ledger.periods.check_removal(project, workflow, why)
    detail = {"period": "default"} | ({"override": why} if why else {})
    record(desk, caller, "retention_change", workflow or project, project, detail)
    desk.services.ledger.periods.remove(project, workflow, why)
    return go(request, "/retention")


@router.get("/t/{text:path}")
def open_trace(request: Request, caller: Reader, text: str) -> Response:
    """Open the run of a trace id in any spelling (capitals, dashes, a whole `traceparent`), or say why there is none.

    Raises:
        RefusedError: not a trace id.
        NotFoundError: it is not here; the sentence says why, as far as anybody knows.
    """
    desk = desk_of(request)
    whole = _TRACEPARENT.fullmatch(text)
    trace = parse_trace_id(whole.group(1) if whole else text.strip())
    span = request.query_params.get("span", whole.group(2).lower() if whole else "")
    for project in _projects(desk, caller, request):
        run = desk.services.store.read_run(project, trace)
        if run is not None:
            place = desk.place(request, caller)
            own = {"project": project} if project != place.home_project else {}
            shown = {"span": span.strip().lower()[:32]} if span.strip() else {}
            return RedirectResponse(place.bare(f"/runs/{run.run_id}", **own, **shown), 303)
    raise NotFoundError(_why_not(desk, _projects(desk, caller, request), trace))


def _projects(desk: Desk, caller: Caller, request: Request) -> tuple[str, ...]:
    """Where the caller may look: the project of the page first, then, for people of the whole house, all others."""
    here = desk.place(request, caller).project
    others = desk.services.store.projects() if caller.project is None else ()
    return tuple(dict.fromkeys((here, *others)))


def _why_not(desk: Desk, projects: tuple[str, ...], trace: TraceId) -> str:
    store, short = desk.services.store, f"Trace {trace[:8]}…"
    for project in projects:
        gone = store.why_gone(project, trace)
        if gone is not None:
            day = datetime.fromtimestamp(gone.at_ns / 1e9, UTC)
            went = (
                "was erased" if gone.reason is GoneReason.ERASED else "reached the end of its retention and was removed"
            )
            return f"{short} was here; it {went} on {day.day} {day:%B %Y}."
        if store.read_facts(project, [trace]):
            return f"{short} has arrived and is being put together; try again in a few seconds."
    health = desk.services.health()
    said = []
    if health.spans.pending + health.logs.pending:
        said.append("What has arrived is still being worked on; try again in a few seconds.")
    if health.spans.quarantined + health.logs.quarantined:
        said.append("It may be in quarantine: some records could not be processed (Settings, Ingest).")
    if said:
        return f"{short} is not here yet. {' '.join(said)}"
    return f"{short} never arrived here. Check the sender's endpoint and sampling, or whether its key belongs to another project."
