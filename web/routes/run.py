"""One run: its Timeline and Conversation, the tree alone, one step alone; with it what lists of runs and pairs of runs do."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from spans.errors import NotFoundError, RefusedError
from spans.ids import TraceId, parse_span_id
from spans.roles import Permission
from spans.run import Run, Step
from store.outline import Outline
from web.callers import Caller, Reader
from web.conversation import Conversation
from web.desk import Desk
from web.evidence import read_step
from web.links import links_of_run, links_of_step
from web.pages.detail import Detail, build_detail, redaction_of
from web.pages.job import read_parts
from web.pages.remarks import RunRemarks, build_remarks
from web.pages.run import TABS, Talk, build_run
from web.pages.run_head import RunHead, build_head
from web.places import Place
from web.routes import compare, run_list
from web.routes.common import actor_names, desk_of, find_run, record
from web.talk import read_talk
from web.tree import Tree, View
from web.waterfall import Waterfall, draw

router = APIRouter()
# before the paths with a run's id in them, which would take their names for ids
router.include_router(run_list.router)
router.include_router(compare.router)


@dataclass(frozen=True, slots=True)
class Opened:
    """A run as somebody looks at it."""

    run: Run
    path: str
    tree: Tree
    waterfall: Waterfall
    selected: Step | None
    """The step whose detail shows."""
    asked: bool
    """Whether the address names it."""
    stopped: Step | None
    """The first denied step."""


@router.get("/runs/{run_id}")
def run_timeline(request: Request, caller: Reader, run_id: str) -> Response:
    """A run: tree, waterfall and the selected step; `?tab=replay&step=` names a moment of its replay."""
    if request.query_params.get("tab") == TABS[2]:
        place = desk_of(request).place(request, caller)
        kept = {k: v for k, v in request.query_params.items() if k in {"step", "span"}}
        return RedirectResponse(place.url(f"/runs/{run_id}/{TABS[2]}", **kept), 303)
    return _run_page(request, caller, run_id, TABS[0])


@router.get("/runs/{run_id}/conversation")
def run_conversation(request: Request, caller: Reader, run_id: str) -> Response:
    """A run as a conversation."""
    return _run_page(request, caller, run_id, TABS[1])


def _run_page(request: Request, caller: Caller, run_id: str, tab: str) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    if run.run_id != run_id:
        own = {k: v for k, v in request.query_params.items() if k == "span"}
        return RedirectResponse(place.url(tab_path(run, tab), **own), 303)
    record(desk, caller, "content_read", run.run_id, place.project, {"part": tab})
    opened = open_run(desk, request, place, run, tab)
    talk, conversation = None, None
    if tab == TABS[1]:
        talk, conversation = read_talk(
            desk.services.store, place, run, opened.path, opened.tree.outline, opened.selected, request.query_params
        )
    return show_run(request, caller, place, opened, tab, talk=talk, conversation=conversation)


def show_run(
    request: Request,
    caller: Caller,
    place: Place,
    opened: Opened,
    tab: str,
    *,
    template: str = "run.html",
    inside: object = None,
    talk: Talk | None = None,
    conversation: Conversation | None = None,
) -> Response:
    """The page of a run at a tab. A tab of another file gives its own template and what it shows `inside`."""
    desk, run = desk_of(request), opened.run
    is_first = tab == TABS[0] and not request.query_params.get("from")
    shown = opened.selected if opened.asked or is_first else None
    detail = _detail(desk, request, place, opened.path, run, shown) if shown else None
    outline = opened.tree.outline
    page = build_run(
        place,
        run,
        head_of(desk, caller, place, run, outline, opened.stopped, detail.redaction if detail else ""),
        opened.waterfall,
        tab=tab,
        tabs=tuple(t for t in TABS if tab_pattern(t) in desk.pages),
        conversation=conversation,
        talk=talk,
        inside=inside,
        detail=detail,
        asked=opened.selected.span_id if opened.asked and opened.selected else "",
    )
    api = place.bare(f"/api/v1/runs/{run.run_id}", project=place.project)
    frame = desk.frame(request, caller, place, page.page_title, active="runs", api=api)
    return desk.page(request, template, frame, page)


def head_of(
    desk: Desk, caller: Caller, place: Place, run: Run, outline: Outline, stopped: Step | None, redaction: str = ""
) -> RunHead:
    """The head of a run, the same above every tab. `redaction` is how the step that is shown went through it."""
    desk.typed.note(place.project, "user", (run.user_id,))
    desk.typed.note(place.project, "session", (run.session_id,))
    return build_head(
        place,
        run,
        outline,
        stopped=stopped,
        redaction=redaction if redaction or run.redactions else _redaction(desk, place, run),
        may_pin=caller.may(Permission.REVIEW),
        may_erase=caller.may(Permission.ADMINISTER) and desk.services.erasures is not None,
        is_pinned=run.pinned or bool(desk.services.ledger.pins.list(place.project, run.run_id)),
        remarks=_remarks(desk, caller, place, run),
        links=links_of_run(desk.services.links, run),
        parts=read_parts(lambda found: desk.services.store.read_run(place.project, TraceId(found)), run),
    )


def stopped_step(desk: Desk, run: Run, tree: Tree) -> Step | None:
    """The first denied step of a run."""
    denied = tree.first_denied
    found = () if denied is None else desk.services.store.read_steps_at(run.project, run.run_id, [denied])
    return next(iter(found), None)


def _remarks(desk: Desk, caller: Caller, place: Place, run: Run) -> RunRemarks:
    said = desk.services.ledger.remarks.of_run(place.project, run.run_id)
    names = actor_names(desk) if said else {}
    return build_remarks(place, run.run_id, run.tags, said, names, may_write=caller.may(Permission.REVIEW))


def tab_pattern(tab: str) -> str:
    """The path of a tab as its route declares it."""
    return "/runs/{run_id}" + ("" if tab == TABS[0] else f"/{tab}")


def tab_path(run: Run, tab: str) -> str:
    """The path of a tab of a run."""
    return f"/runs/{run.run_id}" + ("" if tab == TABS[0] else f"/{tab}")


def open_run(desk: Desk, request: Request, place: Place, run: Run, tab: str) -> Opened:
    """Read what the address asks for: the window of the tree, the selected step. Every tab of a run begins here."""
    store = desk.services.store
    path = tab_path(run, tab)
    asked = _asked(desk, place, run, request.query_params.get("span", ""))
    is_noise = asked is not None and "noise" in asked.flags
    show_noise = is_noise or request.query_params.get("noise") == "1"
    tree = desk.trees.of(store, run, show_noise=show_noise)
    view = View.read({**request.query_params, "noise": "1" if show_noise else ""}, None)
    chosen = asked.ordinal if asked else tree.telling if tab == TABS[0] and view.start is None else None
    view = View(chosen, view.start, view.show_noise, view.opened, view.shut)
    plan = tree.plan(view)
    wanted = {*plan.ordinals(), *(ordinal for _, ordinal in tree.jumps), *(() if chosen is None else (chosen,))}
    steps = {step.ordinal: step for step in store.read_steps_at(place.project, run.run_id, wanted)}
    return Opened(
        run=run,
        path=path,
        tree=tree,
        waterfall=draw(place, path, f"/runs/{run.run_id}/tree", tree, plan, steps),
        selected=None if chosen is None else steps.get(chosen),
        asked=asked is not None,
        stopped=None if tree.first_denied is None else steps.get(tree.first_denied),
    )


def _asked(desk: Desk, place: Place, run: Run, raw_id: str) -> Step | None:
    """The step that an address names; None when it names none, or one that this run does not have."""
    if not raw_id:
        return None
    try:
        return desk.services.store.read_step(place.project, run.run_id, parse_span_id(raw_id))
    except RefusedError:
        return None


@router.get("/runs/{run_id}/tree")
def tree(request: Request, caller: Reader, run_id: str, tab: str = TABS[0]) -> Response:
    """A window of the tree alone: opened and shut, or continued, without leaving the page."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    opened = open_run(desk, request, place, run, tab if tab.isalpha() and len(tab) < 20 else TABS[0])
    frame = desk.frame(request, caller, place, "")
    return desk.part(request, "parts/_tree.html", f=frame, w=opened.waterfall)


@router.get("/runs/{run_id}/detail/{span_id}")
def detail(request: Request, caller: Reader, run_id: str, span_id: str, tab: str = TABS[0]) -> Response:
    """The detail panel alone, for a click in the tree.

    Raises:
        NotFoundError: no such step in this run.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    step = _asked(desk, place, run, span_id)
    if step is None:
        raise NotFoundError(f"No step {span_id[:20]!r} in this run.")
    record(desk, caller, "content_read", run.run_id, place.project, {"part": "step", "span": step.span_id})
    frame = desk.frame(request, caller, place, "")
    path = tab_path(run, tab if tab.isalpha() and len(tab) < 20 else TABS[0])
    return desk.part(request, "parts/_detail.html", f=frame, d=_detail(desk, request, place, path, run, step))


def _detail(desk: Desk, request: Request, place: Place, path: str, run: Run, step: Step) -> Detail:
    contents = read_step(desk.services.store, place.project, step)
    all_messages = request.query_params.get("messages") == "all"
    return build_detail(
        place,
        path,
        step,
        contents.span(step),
        contents.logs(step),
        contents.of(step),
        all_messages=all_messages,
        links=links_of_step(desk.services.links, run, step),
    )


def _redaction(desk: Desk, place: Place, run: Run) -> str:
    """How a step of the run went through redaction: a run in which nothing was hidden may never have been looked at."""
    store = desk.services.store
    step = next(iter(store.read_steps_at(place.project, run.run_id, [0])), None)
    if step is None:
        return ""
    found = store.read_evidence(place.project, step.trace_id, step.span_id)
    return redaction_of((*found.spans, *found.logs))
