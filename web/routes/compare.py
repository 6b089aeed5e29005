"""Compare: any two runs, or one and the last good one of its workflow."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from replay.compare import Comparison, comparison_json
from replay.compare import compare as compare_recordings
from replay.reading import read_recording
from replay.recording import recording_json
from spans.errors import NotFoundError, RefusedError
from spans.kinds import OutcomeLabel, RunStatus
from spans.run import Run
from store.api import RunQuery, Store
from web.callers import Caller, Reader
from web.desk import Desk
from web.pages.compare import build_compare
from web.places import Place
from web.routes.api import answer
from web.routes.common import desk_of, find_run, record

router = APIRouter()

MOST_SPANS = 5_000
"""Steps of a run that a comparison reads; larger ones are refused rather than half compared."""
_LOOKED_AT = 50


@router.get("/compare")
def compare(request: Request, caller: Reader, left: str = "", right: str = "") -> Response:
    """Two runs side by side: `left` and `right`, or `run` twice as the list sends its choice; one alone beside the last good one."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    chosen = request.query_params.getlist("run")
    if len(chosen) == 1 and not left and not right:
        return with_last_good(request, caller, chosen[0])
    one, other = _two(desk, request, place, left, right)
    found = _compared(desk, caller, place, one, other)
    page = build_compare(place, one, other, found)
    api = place.bare("/api/v1/compare", left=one.run_id, right=other.run_id, project=place.project)
    frame = desk.frame(request, caller, place, page.page_title, active="runs", api=api)
    return desk.page(request, "compare.html", frame, page)


@router.get("/api/v1/compare")
def compare_json(request: Request, caller: Reader, left: str = "", right: str = "") -> Response:
    """The same comparison as JSON."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    one, other = _two(desk, request, place, left, right)
    return answer(comparison_json(_compared(desk, caller, place, one, other)))


@router.get("/runs/{run_id}/compare")
def with_last_good(request: Request, caller: Reader, run_id: str) -> Response:
    """Compare a run with the last good one of its workflow that began before it.

    Raises:
        NotFoundError: there is no such run, or no good one before it.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    good = last_good(desk.services.store, run)
    if good is None:
        raise NotFoundError(
            f"No good run of {run.workflow or 'this workflow'} began before this one; choose two runs in the list of runs."
        )
    return RedirectResponse(place.url("/compare", left=good.run_id, right=run.run_id), 303)


def last_good(store: Store, run: Run) -> Run | None:
    """The newest earlier run of the same workflow and environment that succeeded; where nobody judges, one without trouble."""
    query = RunQuery(
        project=run.project,
        workflow=run.workflow or None,
        environment=run.environment or None,
        until_ns=run.started_ns,
        denied=False,
        status=RunStatus.OK.value,
        limit=_LOOKED_AT,
    )
    earlier = [r for r in store.find_runs(query).rows if r.run_id != run.run_id and not r.errors]
    judged = [r for r in earlier if r.outcome.label is OutcomeLabel.SUCCESS]
    unjudged = [r for r in earlier if r.outcome.label is OutcomeLabel.UNKNOWN]
    return next(iter(judged or unjudged), None)


def _two(desk: Desk, request: Request, place: Place, left: str, right: str) -> tuple[Run, Run]:
    chosen = [x for x in (left, right) if x] or request.query_params.getlist("run")
    if len(chosen) != 2:
        raise RefusedError("Choose exactly two runs to compare.")
    store = desk.services.store
    one, other = (find_run(store, place.project, run_id) for run_id in chosen)
    for run in (one, other):
        if run.span_count > MOST_SPANS:
            raise RefusedError(
                f"A run of {run.span_count:,} spans is too large to compare; {MOST_SPANS:,} is the most."
            )
    # the earlier one is what the later one is compared with, unless the address says otherwise
    return (one, other) if left or one.started_ns <= other.started_ns else (other, one)


def _compared(desk: Desk, caller: Caller, place: Place, one: Run, other: Run) -> Comparison:
    for run in (one, other):
        record(desk, caller, "content_read", run.run_id, place.project, {"part": "comparison"})
    store = desk.services.store
    return compare_recordings(*(recording_json(read_recording(store, run)) for run in (one, other)))
