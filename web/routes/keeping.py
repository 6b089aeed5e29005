"""Data & privacy ▸ Retention, and the link to a trace from anywhere: `/t/TRACE` opens its run or says why not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from spans.errors import NotFoundError, RefusedError
from spans.ids import TraceId, parse_trace_id
from store.api import GoneReason
from store.ledger.periods import Period, period_detail
from store.retention import preview
from web.callers import Admin, Caller, Reader
from web.desk import Desk
from web.pages.retention import build_retention
from web.routes.common import desk_of, go, record

router = APIRouter()

RECEIPTS = 100
MOST_NAME = 200
MOST_REASON = 400
_TRACEPARENT = re.compile(r"\s*[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*", re.IGNORECASE | re.DOTALL)


@router.get("/retention")
def retention(request: Request, caller: Admin) -> Response:
    """What is kept for how long, what goes next, and what went."""
    desk = desk_of(request)
    store, ledger, services = desk.services.store, desk.services.ledger, desk.services
    if services.retention_rules is None:
        raise NotFoundError("This server does not remove anything; another process does.")
    place = desk.place(request, caller)
    rules = services.retention_rules()
    page = build_retention(
        place,
        rows=store.stored_rows(),
        table_bytes=store.stored_bytes(),
        rules=rules,
        goes=preview(store, datetime.fromtimestamp(services.clock_ns() / 1e9, UTC), rules),
        pins=ledger.pins.list(),
        receipts=ledger.receipts.list(limit=RECEIPTS),
        disk=services.disk(),
    )
    frame = desk.frame(request, caller, place, "Retention", active="privacy")
    return desk.page(request, "retention.html", frame, page)


@router.post("/retention/set")
def set_period(
    request: Request,
    caller: Admin,
    content_days: Annotated[int, Form()],
    metadata_days: Annotated[int, Form()],
    project: Annotated[str, Form()],
    workflow: Annotated[str, Form()] = "",
    records: Annotated[bool, Form()] = False,
    override: Annotated[str, Form()] = "",
) -> Response:
    """Give a project or workflow a period of its own."""
    desk = desk_of(request)
    project, workflow = project.strip()[:MOST_NAME], workflow.strip()[:MOST_NAME]
    if not project:
        raise RefusedError("A period belongs to a project; name it.")
    why = desk.services.redact_text(project, override[:MOST_REASON]).strip() if override.strip() else ""
    period = Period(project, workflow, content_days, metadata_days, caller.actor, is_record=records, override=why)
    desk.services.ledger.periods.check(period)
    record(desk, caller, "retention_change", workflow or project, project, period_detail(period))
    desk.services.ledger.periods.put(period)
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
    waiting = health.spans.pending + health.logs.pending
    aside = health.spans.quarantined + health.logs.quarantined
    if waiting:
        return f"{short} is not here yet, and {waiting:,} items are still being worked on; try again in a few seconds."
    if aside:
        return f"{short} is not here. It may be among the {aside:,} items in quarantine (Settings, Ingest)."
    return f"{short} never arrived here. Check the sender's endpoint and sampling, or whether its key belongs to another project."
