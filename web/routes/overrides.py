"""Settings ▸ Prices, Workflow names and Coverage: what people overrule, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from spans.naming import NamingRule
from spans.roles import Permission
from spans.run import Run
from store.hours import CallField, HourQuery
from web.callers import Admin, Reader
from web.desk import Desk
from web.pages.coverage import build_coverage
from web.pages.naming import added, build_naming, parse_rule, without
from web.pages.prices import PriceForm, build_prices, parse_price
from web.places import Place
from web.routes.common import desk_of, go, record

router = APIRouter()

LOOKED_AT = 1_000
"""The newest runs that Coverage and Workflow names look at; the pages say so."""
_PAGE = 200
Text = Annotated[str, Form()]


@router.get("/prices")
def prices(request: Request, caller: Reader) -> Response:
    """Models without a price, and prices set by hand."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    query = HourQuery(place.project, place.range.since_ns, place.range.until_ns, place.environment or None)
    given = request.query_params
    page = build_prices(
        place,
        desk.services.store.call_hours(query, (CallField.PROVIDER, CallField.NAME, CallField.KIND)),
        desk.services.ledger.prices.list(),
        desk.services.file_prices,
        form=PriceForm(given.get("model", "")[:120], given.get("provider", "")[:120]),
        may_change=caller.may(Permission.ADMINISTER),
        progress=_progress(desk),
    )
    return desk.page(request, "prices.html", desk.frame(request, caller, place, "Prices", active="settings"), page)


@router.post("/prices/set")
def set_price(
    request: Request,
    caller: Admin,
    *,
    name: Text = "",
    model: Text = "",
    provider: Text = "",
    begin: Annotated[str, Form(alias="from")] = "",
    until: Text = "",
    usd_input: Text = "",
    usd_output: Text = "",
    usd_cache_read: Text = "",
    usd_cache_write: Text = "",
    usd_cache_write_1h: Text = "",
    usd_input_audio: Text = "",
    usd_output_audio: Text = "",
) -> Response:
    """Set a price; stored runs are priced again."""
    desk = desk_of(request)
    amounts = {
        "input": usd_input,
        "output": usd_output,
        "cache_read": usd_cache_read,
        "cache_write": usd_cache_write,
        "cache_write_1h": usd_cache_write_1h,
        "input_audio": usd_input_audio,
        "output_audio": usd_output_audio,
    }
    row = parse_price(name=name, model=model, provider=provider, begin=begin, until=until, amounts=amounts)
    said = {key: str(usd) for key, usd in row.prices.items()}
    record(desk, caller, "price_change", row.name, detail={"did": "set", "model": row.model, **said})
    desk.services.ledger.prices.put(row)
    _recompute(desk, None)
    return go(request, "/prices")


@router.post("/prices/remove")
def remove_price(request: Request, caller: Admin, name: Text = "") -> Response:
    """Remove a price; stored runs are priced again."""
    desk = desk_of(request)
    record(desk, caller, "price_change", name[:120], detail={"did": "remove"})
    desk.services.ledger.prices.remove(name)
    _recompute(desk, None)
    return go(request, "/prices")


@router.get("/workflow-names")
def workflow_names(request: Request, caller: Reader) -> Response:
    """Rules for workflow names, and where each name came from."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    services = desk.services
    page = build_naming(
        place,
        _newest(desk, place),
        services.ledger.naming.rules(place.project),
        _file_rules(desk, place.project),
        may_change=caller.may(Permission.ADMINISTER),
        progress=_progress(desk),
    )
    frame = desk.frame(request, caller, place, "Workflow names", active="settings")
    return desk.page(request, "workflow_names.html", frame, page)


@router.post("/workflow-names/add")
def add_rule(
    request: Request,
    caller: Admin,
    *,
    workflow: Text = "",
    service: Text = "",
    agent: Text = "",
    name: Text = "",
    named: Text = "",
    project: Text = "",
) -> Response:
    """Add a rule before all others; stored runs of the project are named again."""
    desk = desk_of(request)
    where = caller.project_or(project[:200], desk.place(request, caller).project)
    rule = parse_rule(workflow, {"service": service, "agent": agent, "name": name, "named": named})
    record(desk, caller, "rule_change", rule.workflow, where, {"did": "add workflow name", **_said(rule)})
    naming = desk.services.ledger.naming
    naming.replace(where, added(naming.rules(where), rule))
    _recompute(desk, where)
    return go(request, f"/workflow-names?project={quote(where, safe='')}")


@router.post("/workflow-names/remove")
def remove_rule(
    request: Request, caller: Admin, index: Annotated[int, Form()] = -1, workflow: Text = "", project: Text = ""
) -> Response:
    """Remove a rule; stored runs of the project get their own names back."""
    desk = desk_of(request)
    where = caller.project_or(project[:200], desk.place(request, caller).project)
    naming = desk.services.ledger.naming
    rules = naming.rules(where)
    left = without(rules, index, workflow)
    gone = rules.rules[index]
    record(desk, caller, "rule_change", gone.workflow, where, {"did": "remove workflow name", **_said(gone)})
    naming.replace(where, left)
    _recompute(desk, where)
    return go(request, f"/workflow-names?project={quote(where, safe='')}")


@router.get("/coverage")
def coverage(request: Request, caller: Reader) -> Response:
    """What runs tell, per workflow, and the switch that fixes each gap."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    page = build_coverage(place, _newest(desk, place))
    return desk.page(request, "coverage.html", desk.frame(request, caller, place, "Coverage", active="settings"), page)


def _newest(desk: Desk, place: Place) -> list[Run]:
    query = replace(desk.query(place), limit=_PAGE)
    found: list[Run] = []
    while len(found) < LOOKED_AT:
        page = desk.services.store.find_runs(query)
        found.extend(page.rows)
        if page.next_cursor is None:
            break
        query = replace(query, cursor=page.next_cursor)
    return [run for run in found if run.shape != "no_agent"]


def _file_rules(desk: Desk, project: str) -> tuple[NamingRule, ...]:
    of = desk.services.file_rules
    return of(project) if of is not None else ()


def _progress(desk: Desk) -> tuple[int, int]:
    ask = desk.services.recomputing
    return ask() if ask is not None else (0, 0)


def _recompute(desk: Desk, project: str | None) -> None:
    if desk.services.overruled is not None:
        desk.services.overruled(project)


def _said(rule: NamingRule) -> Mapping[str, str]:
    return {name: getattr(rule, name) for name in ("service", "agent", "name", "named") if getattr(rule, name) != "*"}
