"""Notes and tags on runs: written by a form or through the API, redacted before they are kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Form, Request
from fastapi.responses import Response

from spans.errors import RefusedError
from spans.run import Run
from store.ledger.remarks import MAX_NOTE, Remark, RemarkKind
from web.callers import Caller, Reader, Reviewer
from web.desk import Desk
from web.format import rfc3339
from web.routes.api import answer
from web.routes.common import desk_of, find_run, go, record
from web.routes.findings import project_of
from web.routes.judging import when

router = APIRouter()


@router.post("/runs/{run_id}/remarks")
def write(
    request: Request,
    caller: Reviewer,
    run_id: str,
    kind: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
) -> Response:
    """Write a note or add a tag on the page of a run."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    _add(desk, caller, run, kind, text)
    return go(request, place.url(f"/runs/{run.run_id}").removeprefix(place.root))


@router.post("/runs/{run_id}/remarks/remove")
def remove(request: Request, caller: Reviewer, run_id: str, remark_id: Annotated[str, Form()]) -> Response:
    """Take a note or tag away again."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    record(desk, caller, "review", run.run_id, place.project, {"did": "remove a note or tag"})
    gone = desk.services.ledger.remarks.remove(place.project, run.run_id, remark_id)
    if gone.kind is RemarkKind.TAG:
        desk.services.judge_again(place.project, [run.run_id])
    return go(request, place.url(f"/runs/{run.run_id}").removeprefix(place.root))


@router.get("/api/v1/runs/{run_id}/remarks")
def listed(request: Request, caller: Reader, run_id: str) -> Response:
    """Notes and tags that people wrote on a run, oldest first."""
    desk = desk_of(request)
    project = project_of(request, caller)
    run = find_run(desk.services.store, project, run_id)
    return answer([remark_json(r) for r in desk.services.ledger.remarks.of_run(project, run.run_id)])


@router.post("/api/v1/runs/{run_id}/remarks")
def add(request: Request, caller: Reviewer, run_id: str, body: Annotated[dict[str, Any], Body()]) -> Response:
    """Write one: `{"kind": "note|tag", "text": "…"}`."""
    desk = desk_of(request)
    run = find_run(desk.services.store, project_of(request, caller), run_id)
    made = _add(desk, caller, run, str(body.get("kind", "")), str(body.get("text") or ""))
    return answer(remark_json(made), **when(desk))


def _add(desk: Desk, caller: Caller, run: Run, kind: str, text: str) -> Remark:
    try:
        wanted = RemarkKind(kind)
    except ValueError:
        raise RefusedError(f"kind must be one of {', '.join(k.value for k in RemarkKind)}.") from None
    if len(text) > MAX_NOTE:
        raise RefusedError(f"A note has at most {MAX_NOTE} characters.")
    clean = desk.services.redact_text(run.project, text) if text.strip() else ""
    record(desk, caller, "review", run.run_id, run.project, {"did": f"add a {wanted.value}"})
    made = desk.services.ledger.remarks.add(run.project, run.run_id, wanted, clean, author=caller.actor)
    if wanted is RemarkKind.TAG:
        # the tag becomes part of the run, so that every list, rule and export can be filtered by it
        desk.services.judge_again(run.project, [run.run_id])
    return made


def remark_json(remark: Remark) -> dict[str, Any]:
    """One note or tag."""
    return {
        "remark_id": remark.remark_id,
        "run_id": remark.run_id,
        "kind": remark.kind.value,
        "text": remark.text,
        "by": remark.author,
        "at": rfc3339(remark.created_ns),
    }
