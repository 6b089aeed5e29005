"""Sharing a run: what it hands out, and the one file that is handed out."""

from __future__ import annotations

import base64

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from replay.checking import check_stored, pack
from replay.reading import read_recording
from web.callers import Reviewer
from web.pages.share import build_share, build_shared
from web.routes.common import desk_of, find_run, record

router = APIRouter()


@router.get("/runs/{run_id}/share")
def share(request: Request, caller: Reviewer, run_id: str) -> Response:
    """What sharing a run hands out, before it is done."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    frame = desk.frame(request, caller, place, "Share a run", active="runs")
    return desk.page(request, "share.html", frame, build_share(place, run))


@router.post("/runs/{run_id}/share")
def shared(request: Request, caller: Reviewer, run_id: str) -> Response:
    """One self-contained HTML file of a redacted run with its proof; it opens offline. Recorded before it is given."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    services = desk.services
    run = find_run(services.store, place.project, run_id)
    record(desk, caller, "export", run.run_id, run.project, {"as": "html"})
    bundle = pack(services.store, services.ledger, run, now_ns=services.clock_ns())
    found = check_stored(services.store, services.ledger, run.project, run.run_id)
    page = build_shared(
        run,
        read_recording(services.store, run),
        found,
        base64.b64encode(bundle).decode(),
        made_ns=services.clock_ns(),
        by=caller.name or caller.actor,
    )
    told = desk.part(request, "shared.html", page=page, style=Markup(desk.assets["app.css"].body.decode()))  # noqa: S704 - our own stylesheet
    told.headers["content-disposition"] = f'attachment; filename="run-{run.run_id[:8]}.html"'
    return told
