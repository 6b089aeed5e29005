"""The Replay tab of a run, one step of it alone, its proof."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from replay.checking import check_stored
from replay.reading import read_contents
from replay.replayability import REMEDIES, ReplayReason
from spans.content import SpanContent
from spans.ids import SpanId
from spans.roles import Permission
from spans.run import Run
from web.callers import Caller, Reader
from web.desk import Desk
from web.pages.proof import build_proof
from web.pages.replay import MomentPage, Tape, build_moment, build_replay, needed, number_of
from web.places import Place
from web.routes.api import answer
from web.routes.common import desk_of, find_run, record
from web.routes.run import head_of, stopped_step

router = APIRouter()


@router.get("/runs/{run_id}/replay")
def replay(request: Request, caller: Reader, run_id: str) -> Response:
    """A run played step by step."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    params = request.query_params
    if run.run_id != run_id:
        kept = {k: v for k, v in params.items() if k in {"step", "span"}}
        return RedirectResponse(place.url(f"/runs/{run.run_id}/replay", **kept), 303)
    record(desk, caller, "content_read", run.run_id, place.project, {"part": "replay"})
    tape = desk.tapes.of(desk.services.store, run)
    moment = _moment(desk, place, tape, number_of(tape, params.get("step", ""), params.get("span", "")))
    reasons = tuple(REMEDIES[r] for r in ReplayReason if r.value in run.replay_reasons)
    tree = desk.trees.of(desk.services.store, run, show_noise=False)
    head = head_of(desk, caller, place, run, tree.outline, stopped_step(desk, run, tree))
    page = build_replay(place, tape, head, moment, reasons, may_share=caller.may(Permission.REVIEW))
    where = f" · step {moment.number}" if moment else ""
    frame = desk.frame(request, caller, place, f"{head.title} · replay{where}", active="runs")
    return desk.page(request, "replay.html", frame, page)


@router.get("/runs/{run_id}/replay/step")
def one_step(request: Request, caller: Reader, run_id: str) -> Response:
    """One step alone, for a page that plays."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    tape = desk.tapes.of(desk.services.store, run)
    number = number_of(tape, request.query_params.get("step", ""), "")
    if request.query_params.get("ahead") == "1":
        # Neighbours come in bursts; one entry every few seconds says that this run was read.
        ahead = ("ahead", caller.actor, run.project, run.run_id)
        desk.recent.get(ahead, lambda: _note(desk, caller, run, "ahead"))
    else:
        _note(desk, caller, run, str(number))
    moment = _moment(desk, place, tape, number)
    return desk.part(request, "parts/_moment.html", f=desk.frame(request, caller, place, ""), m=moment)


def _note(desk: Desk, caller: Caller, run: Run, step: str) -> bool:
    record(desk, caller, "content_read", run.run_id, run.project, {"part": "replay", "step": step})
    return True


def _moment(desk: Desk, place: Place, tape: Tape, number: int) -> MomentPage | None:
    if not tape.moments:
        return None
    contents: dict[SpanId, SpanContent] = {}
    for moment in needed(tape, number):
        for step in (moment.step, *moment.retold_by):
            key = ("content", tape.run.project, tape.run.run_id, tape.run.version, step.span_id)
            contents.update(
                desk.recent.get(key, lambda s=step: read_contents(desk.services.store, tape.run.project, (s,)))
            )
    return build_moment(place, tape, number, contents)


@router.get("/runs/{run_id}/proof")
def proof(request: Request, caller: Reader, run_id: str) -> Response:
    """What is proved of a run, checked now."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    found = check_stored(desk.services.store, desk.services.ledger, run.project, run.run_id)
    seals = desk.services.ledger.seals.of_run(run.project, run.run_id)
    page = build_proof(place, run, found, seals, may_share=caller.may(Permission.REVIEW))
    frame = desk.frame(request, caller, place, f"{page.title} · proof", active="runs")
    return desk.page(request, "proof.html", frame, page)


@router.get("/api/v1/runs/{run_id}/proof")
def proof_json(request: Request, caller: Reader, run_id: str) -> Response:
    """The same as JSON."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    return answer(asdict(check_stored(desk.services.store, desk.services.ledger, run.project, run.run_id)))
