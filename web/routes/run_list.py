"""What can be done with a list of runs: filter it by fields, download it, keep it as a view, pin some of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from runs.present import run_json
from spans.errors import RefusedError
from spans.roles import Permission
from spans.run import Run
from store.ledger.pins import PinReason
from web.callers import Caller, Reader, Reviewer
from web.csv import csv_text
from web.desk import Desk
from web.filters import params_of, parse_filters
from web.format import rfc3339
from web.pages.runs import KEPT_BY_FORM
from web.places import Place
from web.routes.api import answer
from web.routes.common import desk_of, find_run, go, record

router = APIRouter()

VIEWS_OF = "runs"
MOST_CHOSEN = 200
COLUMNS = (
    "started_at", "run_id", "workflow", "version", "environment", "status", "outcome", "last_said", "model_calls",
    "tool_calls", "denials", "errors", "cost_usd", "unpriced_calls", "input_tokens", "output_tokens", "duration_ms",
    "user_id", "session_id",
)  # fmt: skip


async def form_texts(request: Request) -> Mapping[str, str]:
    """The fields of a form, whatever their names."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


@router.post("/runs/filter")
def filter_runs(request: Request, caller: Reader, form: Annotated[Mapping[str, str], Depends(form_texts)]) -> Response:
    """Filter by the fields of the form: what was typed is redacted before it reaches an address, a log or a query.

    Raises:
        RefusedError: a value that its filter does not know.
        BusyError: no worker can redact yet.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    kept = {k: v for k, v in request.query_params.items() if k in KEPT_BY_FORM}
    query = desk.typed.clean(parse_filters({**form, **kept}, desk.query(place)))
    chosen = {k: v for k, v in params_of(query).items() if k != "shape" or "shape" in kept}
    return RedirectResponse(place.url("/runs", **chosen), 303)


@router.get("/runs/export")
def export(request: Request, caller: Reader, format: str = "csv") -> Response:  # noqa: A002 - the parameter's public name
    """Exactly the rows that the list shows under the same address, or those that were chosen (`run`)."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    chosen = request.query_params.getlist("run")
    rows = _chosen(desk, place, chosen) if chosen else _shown(desk, request, place)
    record(desk, caller, "export", project=place.project, detail={"runs": str(len(rows)), "format": format[:10]})
    if format == "json":
        return _file(answer([run_json(run) for run in rows]), "runs.json")
    if format != "csv":
        raise RefusedError("format must be csv or json.")
    text = csv_text(COLUMNS, (_cells(run) for run in rows))
    return _file(Response(text, media_type="text/csv; charset=utf-8"), "runs.csv")


def _chosen(desk: Desk, place: Place, ids: list[str]) -> tuple[Run, ...]:
    if len(ids) > MOST_CHOSEN:
        raise RefusedError(f"At most {MOST_CHOSEN} runs at once.")
    return tuple(find_run(desk.services.store, place.project, run_id) for run_id in ids)


def _shown(desk: Desk, request: Request, place: Place) -> tuple[Run, ...]:
    query = desk.typed.clean(parse_filters(request.query_params, desk.query(place)))
    return desk.services.store.find_runs(query).rows


def _file(response: Response, name: str) -> Response:
    response.headers["content-disposition"] = f'attachment; filename="{name}"'
    return response


def _cells(run: Run) -> tuple[object, ...]:
    return (
        rfc3339(run.started_ns), run.run_id, run.workflow or run.name, run.workflow_version, run.environment,
        run.status.value, run.outcome.label.value, run.output_preview or run.input_preview, run.model_calls,
        run.tool_calls, run.denials, run.errors, "" if run.cost_usd is None else f"{run.cost_usd:f}",
        run.unpriced_calls, run.usage.input, run.usage.output, round(run.duration_ns / 1e6, 3), run.user_id,
        run.session_id,
    )  # fmt: skip


@router.post("/runs/views")
def save_view(
    request: Request, caller: Reader, name: Annotated[str, Form()], shared: Annotated[str, Form()] = ""
) -> Response:
    """Keep the filters of the address under a name; what was typed is redacted first."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    query = desk.typed.clean(parse_filters(request.query_params, desk.query(place)))
    own = (
        params_of(query)
        if request.query_params.get("shape")
        else {k: v for k, v in params_of(query).items() if k != "shape"}
    )
    kept = {**place.chosen(), **place.range.params(), **own}
    text = urlencode(kept)
    clean = desk.services.redact_text(place.project, name)
    desk.services.ledger.views.save(place.project, VIEWS_OF, clean, text, owner=caller.actor, shared=bool(shared))
    return go(request, _here(place, text))


@router.post("/runs/views/remove")
def remove_view(request: Request, caller: Reader, view_id: Annotated[str, Form()]) -> Response:
    """Forget a view of one's own; an admin may also remove a shared one."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    anyones = caller.may(Permission.ADMINISTER)
    desk.services.ledger.views.remove(place.project, view_id, caller.actor, anyones=anyones)
    return RedirectResponse(place.url("/runs"), 303)


def _here(place: Place, text: str) -> str:
    project = urlencode({"project": place.project}) if place.project != place.home_project else ""
    query = "&".join(x for x in (project, text) if x)
    return "/runs" + (f"?{query}" if query else "")


@router.post("/runs/pin")
def pin(
    request: Request,
    caller: Reviewer,
    run: Annotated[list[str], Form()],
    note: Annotated[str, Form()] = "",
    lift: Annotated[str, Form()] = "",
    back: str = "",
) -> Response:
    """Keep runs beyond their retention, or let them go again; `back` is the list they were chosen in."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = _chosen(desk, place, run)
    if lift and back:
        # of a list some may be pinned and some not; on its own page a run that is not is an error
        pinned = {p.run_id for p in desk.services.ledger.pins.list(place.project) if p.reason is PinReason.PERSON}
        found = tuple(one for one in found if one.run_id in pinned)
    clean = desk.services.redact_text(place.project, note[:400]) if note.strip() else ""
    for one in found:
        _pin(desk, caller, place, one, clean, lift=bool(lift))
    if back:
        return go(request, f"{back}{'&' if '?' in back else '?'}{'unpinned' if lift else 'pinned'}={len(found)}")
    return RedirectResponse(place.url(f"/runs/{found[0].run_id}") if len(found) == 1 else place.url("/runs"), 303)


def _pin(desk: Desk, caller: Caller, place: Place, run: Run, note: str, *, lift: bool) -> None:
    pins = desk.services.ledger.pins
    record(desk, caller, "retention_change", run.run_id, place.project, {"did": "unpin" if lift else "pin"})
    if lift:
        pins.lift(place.project, run.run_id, PinReason.PERSON)
    else:
        pins.add(place.project, run.run_id, PinReason.PERSON, by=caller.actor, note=note)
