"""The reading pages: Overview, Runs, Workflows, Near misses, Connect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from insights.policies import book_of
from insights.standing import budget_of
from spans.errors import NotFoundError, RefusedError
from spans.kinds import RunShape
from spans.roles import Permission
from spans.run import Run
from store.api import Bucket, FleetRow, Page, RunQuery, Store
from store.judged import AttemptQuery
from web.callers import Admin, Caller, Reader
from web.desk import Desk
from web.filters import ATTRIBUTE, MAX_TEXT, params_of, parse_filters
from web.pages.first import Arrivals, build_arrivals, build_first
from web.pages.lists import build_workflows
from web.pages.live_list import Seen, build_live
from web.pages.overview import CHART_BARS, COUNTED_SHAPES, Around, build_overview
from web.pages.run_counts import bars_of, likely_part, shape_counts
from web.pages.run_groups import GROUPINGS, MOST_GROUPS, Groups, build_groups
from web.pages.runs import (
    BARS,
    MOST_SUGGESTED,
    SUGGESTED,
    build_facets,
    build_runs,
    default_shapes,
    frozen_shape,
)
from web.places import DEMO_PROJECT, Place
from web.routes.common import carried_attributes, desk_of, record, small_number, trace_or_none

router = APIRouter()

MOST_BUDGETS = 30
"""Budgets an Overview looks at; the Spend page has the rest."""
LEARNING_NS = 14 * 86_400 * 1_000_000_000


@router.get("/")
def overview(request: Request, caller: Reader) -> Response:
    """The Overview, or the first screen while the project has no run at all."""
    desk = desk_of(request)
    place = desk.judged_place(request, caller)
    if not _has_runs(desk, place.project):
        return _first(request, desk, caller, place, is_connect=False)
    store = desk.services.store
    query = replace(desk.query(place), shape=tuple(COUNTED_SHAPES.split(",")))
    before = place.range.previous()
    page = build_overview(
        place,
        store.totals(query),
        store.totals(replace(query, since_ns=before.since_ns, until_ns=before.until_ns)),
        store.series(query, CHART_BARS),
        fleet := store.fleet(query),
        _around(desk, place, fleet),
    )
    desk.typed.note(place.project, "workflow", (row.workflow for row in fleet))
    frame = desk.frame(request, caller, place, "Overview", active="overview")
    return desk.page(request, "overview.html", frame, page)


def _around(desk: Desk, place: Place, fleet: tuple[FleetRow, ...]) -> Around:
    """What fires, who owns what, how budgets stand, and which workflows are still learning."""
    ledger, store, now = desk.services.ledger, desk.services.store, desk.services.clock_ns()
    policies = book_of(ledger.policies.current(place.project))
    keys = [(row.workflow, row.environment) for row in fleet if row.workflow][:MOST_BUDGETS]
    budgets = {}
    for workflow, environment in keys:
        policy = policies.find(workflow)
        if policy is not None and policy.budget is not None:
            query = RunQuery(project=place.project, workflow=workflow, environment=environment or None)
            key = ("budget", place.project, workflow, environment, policy.budget)
            state = desk.recent.get(key, lambda q=query, p=policy: budget_of(store, q, p, now))
            budgets[workflow, environment] = state
    lately = RunQuery(project=place.project, since_ns=now - LEARNING_NS, until_ns=now)
    learnt = desk.recent.get(("learnt", place.project), lambda: store.fleet(lately))
    return Around(
        incidents=tuple(i for i in ledger.incidents.list(place.project, only_open=True) if i.is_firing),
        policies=policies,
        budgets=budgets,
        marks=ledger.marks.list(place.project, place.range.since_ns, place.range.until_ns),
        violations=_violations(store, place),
        known={(row.workflow, row.environment): row.totals.runs for row in learnt},
    )


def _violations(store: Store, place: Place) -> dict[tuple[str, str], tuple[int, int]]:
    """Calls that ran although the policy forbids them, by workflow and environment: in the range, and in the one before it."""
    counted: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for number, when in enumerate((place.range, place.range.previous())):
        query = AttemptQuery(
            place.project, when.since_ns, when.until_ns, environment=place.environment or None, kind="violation"
        )
        for group in store.attempt_groups(query, 0):
            counted[group.workflow, group.environment][number] += group.count
    return {key: (now, then) for key, (now, then) in counted.items()}


def _has_runs(desk: Desk, project: str) -> bool:
    return bool(desk.services.store.find_runs(RunQuery(project=project, limit=1)).rows)


@router.get("/connect")
def connect(request: Request, caller: Reader) -> Response:
    """Settings ▸ Connect: the endpoints and snippets, for later."""
    desk = desk_of(request)
    return _first(request, desk, caller, desk.place(request, caller), is_connect=True)


def _first(request: Request, desk: Desk, caller: Caller, place: Place, *, is_connect: bool) -> Response:
    services = desk.services
    may_act = caller.may(Permission.ADMINISTER)
    page = build_first(
        place,
        services.endpoints,
        _arrivals(desk, place, is_connect=is_connect),
        can_test=services.send_test_run is not None and may_act,
        can_demo=services.load_demo is not None and may_act,
        with_key=services.keys_required,
        is_connect=is_connect,
    )
    title = "Connect" if is_connect else "Waiting for your first span"
    frame = desk.frame(request, caller, place, title, active="settings" if is_connect else "overview")
    return desk.page(request, "first.html", frame, page)


def _arrivals(desk: Desk, place: Place, *, is_connect: bool) -> Arrivals:
    services = desk.services
    recent = services.store.find_runs(RunQuery(project=place.project, limit=12)).rows
    members = [m for m in services.ledger.members.list() if m.removed_ns is None]
    invited = [p for p in services.ledger.links.pending() if p.kind == "invitation"]
    return build_arrivals(
        place, desk.ingest(), recent, members=len(members), invited=len(invited), is_connect=is_connect
    )


@router.get("/arrivals")
def arrivals(request: Request, caller: Reader, *, connect: bool = False) -> Response:
    """The live part of the first screen."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    frame = desk.frame(request, caller, place, "")
    found = _arrivals(desk, place, is_connect=connect)
    answer = desk.part(request, "parts/_arrivals.html", f=frame, a=found, oob=True)
    if place.project == DEMO_PROJECT and found.rows and not connect:
        # nobody reads snippets in the demo: the Overview takes this screen's place as soon as it can
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.get("/ingest-dot")
def ingest_dot(request: Request, caller: Reader) -> Response:
    """The header's dot, asked every few seconds."""
    desk = desk_of(request)
    return desk.part(request, "parts/_dot.html", f=desk.frame(request, caller, desk.place(request, caller), ""))


@router.post("/send-test-run")
def send_test_run(request: Request, _: Admin) -> Response:
    """Send a small run through the real receiver.

    Raises:
        NotFoundError: this server cannot.
    """
    send = desk_of(request).services.send_test_run
    if send is None:
        raise NotFoundError("This server cannot send a test run; use the curl line.")
    send()
    return RedirectResponse(f"{request.scope.get('root_path', '')}/", 303)


@router.post("/load-demo")
def load_demo(request: Request, _: Admin) -> Response:
    """Load the demo fleet into project `demo`.

    Raises:
        NotFoundError: this server cannot.
    """
    load = desk_of(request).services.load_demo
    if load is None:
        raise NotFoundError("This server cannot load the demo; run `tracetape demo`.")
    load()
    return RedirectResponse(f"{request.scope.get('root_path', '')}/?project=demo&range=14d", 303)


@router.get("/runs")
def runs(request: Request, caller: Reader) -> Response:
    """The list of runs."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    query, shape_is_default = _runs_query(desk, request, place)
    store = desk.services.store
    by_shape = store.shape_series(replace(query, cursor=None), BARS)
    counts = shape_counts(by_shape)
    if shape_is_default:
        query = replace(query, shape=default_shapes(counts))
    group = request.query_params.get("group", "")
    if group not in dict(GROUPINGS):
        raise RefusedError("group must be workflow, session or user.")
    bars = bars_of(by_shape, query.shape)
    found = Page((), None) if group else _first_page(store, query, bars)
    if query.text and not query.cursor:
        record(desk, caller, "search", project=place.project, detail={"text": query.text})
    own = {k: v for k, v in params_of(query).items() if k != "shape" or not shape_is_default}
    page = build_runs(
        place,
        query,
        found,
        counts,
        bars,
        shape_is_default=shape_is_default,
        views=desk.services.ledger.views.list(place.project, "runs", caller.actor),
        owner=caller.actor,
        may_remove=caller.may(Permission.ADMINISTER),
        group=group,
        groups=_groups(desk, request, place, query, own) if group else None,
        suggestions=_suggestions(desk, place, query) if request.query_params.get("facets") else None,
        pinned=small_number(request.query_params.get("pinned", "")),
        unpinned=small_number(raw) if (raw := request.query_params.get("unpinned")) else None,
    )
    if group:
        own |= {"group": group, "by": request.query_params.get("by", "")}
    frame = desk.frame(request, caller, place, "Runs", active="runs", params=own, api=page.api_href)
    return desk.page(request, "runs.html", frame, page)


@router.get("/runs/facets")
def facets(request: Request, caller: Reader) -> Response:
    """The form that filters by fields, asked for when somebody opens it."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    query, is_default = _shaped(desk, request, place)
    params = params_of(query)
    own = {k: v for k, v in params.items() if k != "shape" or not is_default}
    form = build_facets(place, params, own, _suggestions(desk, place, query))
    return desk.part(request, "parts/_facets.html", f=desk.frame(request, caller, place, ""), facets=form)


def _suggestions(desk: Desk, place: Place, query: RunQuery) -> dict[str, Sequence[tuple[str, int]]]:
    """Real values of the range, whatever else the list is filtered by: of our fields and of promoted attributes."""
    unfiltered = replace(desk.query(place), shape=query.shape)
    names = (*SUGGESTED, *(f"{ATTRIBUTE}{key}" for key in carried_attributes(desk, unfiltered)))
    found = {
        name: desk.recent.get(
            ("values", name, place.project, place.environment, place.range.key or place.range.since_ns, query.shape),
            lambda name=name: desk.services.store.values(unfiltered, name, MOST_SUGGESTED),
        )
        for name in names
    }
    for name, values in found.items():
        desk.typed.note(place.project, name, (value for value, _ in values))
    return found


def _groups(desk: Desk, request: Request, place: Place, query: RunQuery, own: Mapping[str, str]) -> Groups:
    group, order = request.query_params["group"], request.query_params.get("by", "")
    found = desk.services.store.groups(replace(query, cursor=None), group, order, MOST_GROUPS)
    desk.typed.note(place.project, group, (row.value for row in found))
    return build_groups(place, own, group, found, order)


def _first_page(store: Store, query: RunQuery, bars: Sequence[Bucket]) -> Page[Run]:
    """The page of a list, looked for first where its bars say that it lies."""
    part = likely_part(query, bars)
    found = store.find_runs(part) if part else None
    # a full page with more behind it is the same in any range; less means that runs went meanwhile
    return found if found and found.next_cursor else store.find_runs(query)


def _runs_query(desk: Desk, request: Request, place: Place) -> tuple[RunQuery, bool]:
    """The query of the address, and whether its shape is still to be chosen."""
    # typed into the address by hand it is still raw
    query = desk.typed.clean(parse_filters(request.query_params, desk.query(place)))
    return query, not request.query_params.get("shape")


def _shaped(desk: Desk, request: Request, place: Place) -> tuple[RunQuery, bool]:
    """The same with a shape, the one the list has: what was chosen, else agent runs if the page shows them, else the default now."""
    query, is_default = _runs_query(desk, request, place)
    if is_default and request.query_params.get("shown") == RunShape.AGENT:
        return replace(query, shape=(RunShape.AGENT,)), True
    if is_default:
        counts = dict(desk.services.store.values(replace(query, shape=(), cursor=None), "shape", 10))
        query = replace(query, shape=default_shapes(counts))
    return query, is_default


@router.get("/runs/live")
def live(request: Request, caller: Reader, after: str = "") -> Response:
    """What changed in a list since the page saw it; 204 when nothing did, so that nothing on the page moves."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    seen = Seen.read(after)
    query, is_default = _shaped(desk, request, place)
    since = max(seen.since_ns, query.since_ns or 0)
    rows = desk.services.store.find_runs(replace(query, cursor=None, since_ns=since)).rows
    own = {k: v for k, v in params_of(query).items() if k != "shape" or not is_default}
    shown = frozen_shape(query.shape) if is_default and rows else ""
    changes = build_live(place, rows, seen, own=own, shown=shown, limit=query.limit)
    if changes is None:
        return Response(status_code=204)
    frame = desk.frame(request, caller, place, "")
    return desk.part(request, "parts/_live.html", f=frame, live=changes)


@router.post("/search")
def search(request: Request, caller: Reader, q: Annotated[str, Form()] = "") -> Response:
    """Open a pasted trace id, or search: what was typed is redacted before it reaches an address, a log or a query.

    Raises:
        BusyError: no worker can redact yet.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    typed = q.strip()[:MAX_TEXT]
    trace = trace_or_none(typed)
    if trace and desk.services.store.read_run(place.project, trace):
        return RedirectResponse(place.url(f"/runs/{trace}"), 303)
    clean = desk.typed.value(place.project, "q", typed) if typed else ""
    kept = desk.typed.clean(
        parse_filters({k: v for k, v in request.query_params.items() if k != "q"}, desk.query(place))
    )
    own = {"shape": "any" if clean else "", **params_of(kept)}
    return RedirectResponse(place.url("/runs", **{**own, "q": clean}), 303)


@router.get("/workflows")
def workflows(request: Request, caller: Reader) -> Response:
    """Every workflow of the range."""
    desk = desk_of(request)
    place = desk.judged_place(request, caller)
    query = replace(desk.query(place), shape=tuple(COUNTED_SHAPES.split(",")))
    fleet = desk.services.store.fleet(query)
    desk.typed.note(place.project, "workflow", (row.workflow for row in fleet))
    page = build_workflows(place, fleet, _around(desk, place, fleet))
    frame = desk.frame(request, caller, place, "Workflows", active="workflows")
    return desk.page(request, "workflows.html", frame, page)
