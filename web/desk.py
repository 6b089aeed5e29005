"""Where an answer is made: templates with their filters, the frame around every page, error pages and fragments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from spans.errors import HouseError
from spans.health import IngestStatus
from spans.roles import Permission
from store.api import RunQuery
from store.hours import HOUR_NS, HourField, HourQuery
from store.ledger.incidents import Incident
from web import format as fmt
from web.assets import Asset
from web.callers import ANONYMOUS, Caller, Recent, find_caller
from web.charts import chart_json
from web.errors import INTERNAL, Answer, SignInNeededError, answer_for
from web.json_tree import json_tree
from web.pages.error import ErrorPage
from web.pages.frame import Frame, build_frame
from web.places import DEFAULT_PROJECT, EVERY_ENVIRONMENT, Place, in_production, parse_range
from web.services import Services
from web.settings import WebSettings
from web.tapes import Tapes
from web.text import fold, one_line, person, visible
from web.tree import Trees
from web.typed import Typed

TEMPLATES = Path(__file__).parent / "templates"
THEME_COOKIE = "tracetape_theme"
ZONE_COOKIE = "tracetape_zone"
REMEMBER_S = 5.0
MOST_AROUND = 3
"""Incidents whose times the range menu offers."""


class Desk:
    """Everything a route needs to answer; made once per app."""

    def __init__(self, services: Services, settings: WebSettings, assets: Mapping[str, Asset]) -> None:
        self.services = services
        self.settings = settings
        self.assets = assets
        self.recent = Recent(REMEMBER_S)
        self.typed = Typed(services, self.recent)
        self.trees = Trees()
        self.tapes = Tapes()
        self.templates = _environment()
        self.pages: Mapping[str, Permission] = {}
        """GET path → permission of every route; the app fills it in, the navigation shows what is in it."""

    def place(self, request: Request, caller: Caller) -> Place:
        """Where the address stands.

        Raises:
            RefusedError: a range that cannot be read.
            NotFoundError: a project the caller may not see.
            BusyError: an environment that no run has, while no worker can redact.
        """
        params = request.query_params
        home = caller.project or DEFAULT_PROJECT
        project = caller.project_or(params.get("project", "")[:200], home)
        asked = params.get("environment", "")[:400] if caller.role else ""
        environment = "" if asked == EVERY_ENVIRONMENT else asked
        return Place(
            root=request.scope.get("root_path", ""),
            project=project,
            range=parse_range(params, self.services.clock_ns()),
            environment=self.typed.value(project, "environment", environment) if environment else "",
            home_project=home,
            is_every=asked == EVERY_ENVIRONMENT,
        )

    def judged_place(self, request: Request, caller: Caller, workflow: str = "") -> Place:
        """Where a page that judges runs stands: in production, unless another environment or all of them were chosen.

        Where no run names an environment, or none is production, it shows all of them and says so. Takes a workflow, by which
        it asks for environments, and raises what `place` does.
        """
        place = self.place(request, caller)
        if place.environment or place.is_every or caller.role is None:
            return place
        since_ns = place.range.since_ns - place.range.since_ns % HOUR_NS
        hours = HourQuery(place.project, since_ns, place.range.until_ns, workflow=workflow or None)
        key = ("runs by environment", place.project, workflow, place.range.key or place.range.since_ns)
        found = self.recent.get(key, lambda: self.services.store.hours(hours, (HourField.ENVIRONMENT,)))
        self.typed.note(place.project, "environment", (row.environment for row in found))
        return in_production(place, {row.environment: row.runs for row in found})

    def query(self, place: Place) -> RunQuery:
        """The runs of a place, unfiltered."""
        return RunQuery(
            project=place.project,
            since_ns=place.range.since_ns,
            until_ns=place.range.until_ns,
            environment=place.environment or None,
        )

    def frame(
        self,
        request: Request,
        caller: Caller,
        place: Place,
        title: str,
        *,
        active: str = "",
        params: Mapping[str, str] | None = None,
        api: str = "",
    ) -> Frame:
        """The frame of a page for somebody who may read; `params` replaces the address's own where they were cleaned."""
        return build_frame(
            title=title,
            active=active,
            place=place,
            path=route_path(request),
            params=dict(request.query_params) if params is None else params,
            caller=caller,
            projects=self._projects(caller, place),
            environments=self._environments(caller, place),
            ingest=self.ingest(),
            theme=request.cookies.get(THEME_COOKIE, ""),
            utc=request.cookies.get(ZONE_COOKIE) == "utc",
            now_ns=self.services.clock_ns(),
            version=self.services.version,
            pages=self.pages,
            firing=self._firing(caller, place),
            withheld=self._withheld(caller),
            waiting=self.services.waiting() if caller.may(Permission.READ) else 0,
            api=api,
            address=request.query_params,
            incidents=self._incidents(caller, place),
        )

    def _firing(self, caller: Caller, place: Place) -> int:
        if not caller.may(Permission.READ):
            return 0
        count = self.services.firing or self.services.ledger.incidents.firing
        found: int = self.recent.get(("firing", place.project), lambda: count(place.project))
        return found

    def _incidents(self, caller: Caller, place: Place) -> tuple[Incident, ...]:
        if not caller.may(Permission.READ):
            return ()
        newest = self.services.ledger.incidents.list
        found: tuple[Incident, ...] = self.recent.get(
            ("incidents", place.project), lambda: newest(place.project, limit=MOST_AROUND)
        )
        return found

    def _withheld(self, caller: Caller) -> int:
        if not caller.may(Permission.READ):
            return 0
        found: int = self.recent.get(("withheld",), lambda: self.services.redaction().withheld_waiting)
        return found

    def _projects(self, caller: Caller, place: Place) -> tuple[str, ...]:
        if caller.project is not None or caller.role is None:
            return (place.project,)
        known: tuple[str, ...] = self.recent.get("projects", self.services.store.projects)
        return tuple(sorted({*known, place.project, place.home_project}))

    def _environments(self, caller: Caller, place: Place) -> tuple[str, ...]:
        if caller.role is None:
            return ()
        query = RunQuery(project=place.project, since_ns=place.range.since_ns, until_ns=place.range.until_ns)
        key = ("environments", place.project, place.range.key or place.range.since_ns)
        found = self.recent.get(key, lambda: self.services.store.values(query, "environment", 20))
        self.typed.note(place.project, "environment", (name for name, _ in found))
        return tuple(name for name, _ in found if name)

    def ingest(self) -> IngestStatus:
        """What arrives now; an empty status rather than no page when the receiver cannot be asked."""
        try:
            return self.services.ingest()
        except HouseError:
            return IngestStatus()

    def page(self, request: Request, template: str, frame: Frame, page: object, status: int = 200) -> HTMLResponse:
        """A whole page."""
        return HTMLResponse(self._text(request, template, f=frame, page=page), status)

    def part(self, request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
        """A fragment, drawn by the same template that the page includes."""
        return HTMLResponse(self._text(request, template, **context), status)

    def _text(self, request: Request, template: str, **context: object) -> str:
        root = request.scope.get("root_path", "")
        return self.templates.get_template(template).render(
            nonce=request.state.nonce,
            asset=lambda name: self._asset(root, name),
            has_asset=lambda name: name in self.assets,
            **context,
        )

    def _asset(self, root: str, name: str) -> str:
        return f"{root}/static/{name}?v={self.assets[name].digest}"

    def error(self, request: Request, error: Exception) -> Response:
        """The answer to an error: JSON for programs, a small page for people, no traceback for anybody."""
        answer, message = _told(error)
        headers = {"Retry-After": "2"} if answer.status == 503 and answer.code != "too_heavy" else {}
        if answer.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="tracetape"'
        path = route_path(request)
        if path.startswith("/api/") or path in {"/healthz", "/readyz"}:
            body = {"error": {"code": answer.code, "message": message}}
            return JSONResponse(body, answer.status, headers)
        if request.headers.get("hx-request") == "true":
            if answer.status == 401:
                headers["HX-Redirect"] = f"{request.scope.get('root_path', '')}/sign-in"
            html = self.part(request, "parts/_error.html", answer.status, answer=answer, message=message)
        else:
            html = self._error_page(request, answer, message, error)
        html.headers.update(headers)
        return html

    def _error_page(self, request: Request, answer: Answer, message: str, error: Exception) -> HTMLResponse:
        caller = self._caller_or_nobody(request)
        now = self.services.clock_ns()
        home = caller.project or DEFAULT_PROJECT
        place = Place(request.scope.get("root_path", ""), home, parse_range({}, now), home_project=home)
        frame = build_frame(
            title=answer.title,
            active="error",
            place=place,
            path="/",
            params={},
            caller=caller,
            theme=request.cookies.get(THEME_COOKIE, ""),
            now_ns=now,
            version=self.services.version,
            pages=self.pages,
        )
        if isinstance(error, SignInNeededError):
            from web.pages.sign_in import SignInPage

            page = SignInPage(next=_here(request), message=message, by_key=True)
            return self.page(request, "sign_in.html", frame, page, answer.status)
        page_error = ErrorPage(answer.status, answer.title, message)
        return self.page(request, "error.html", frame, page_error, answer.status)

    def _caller_or_nobody(self, request: Request) -> Caller:
        known = getattr(request.state, "caller", None)
        if isinstance(known, Caller):
            return known
        try:
            return find_caller(request, self.services)
        except Exception:  # noqa: BLE001 - an error page must come out whatever else is broken
            return ANONYMOUS


def route_path(request: Request) -> str:
    """The path of a request without our sub-path, from the scope: a Host header cannot change it."""
    path = str(request.scope["path"])
    return path.removeprefix(request.scope.get("root_path", "")) or "/"


def _here(request: Request) -> str:
    if request.method != "GET":
        return "/"
    query = request.url.query
    return route_path(request) + (f"?{query}" if query else "")


def _told(error: Exception) -> tuple[Answer, str]:
    if isinstance(error, HTTPException):
        return _http(error)
    answer = answer_for(error)
    if answer is INTERNAL:
        return answer, "The log of the server says what it was. Nothing you sent is lost; try again in a moment."
    return answer, str(error)


def _http(error: HTTPException) -> tuple[Answer, str]:
    if error.status_code == 404:
        return Answer(404, "not_found", "Nothing here"), "There is no page at this address."
    if error.status_code == 405:
        return Answer(405, "method_not_allowed", "Not like that"), "This address does not take that method."
    if error.status_code == 413:
        return Answer(413, "too_large", "Too large"), "The request is larger than this address takes."
    return Answer(error.status_code, "bad_request", "That cannot be read"), "The request could not be read."


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        name: getattr(fmt, name)
        for name in (
            "money", "exact_money", "tokens", "count", "duration", "percent", "clock", "day_clock",
            "exact_time", "rfc3339", "ago", "short_id", "plural", "cell",
        )
    }  # fmt: skip
    env.filters.update(filters | {"visible": visible, "one_line": one_line, "person": person, "chart_json": chart_json})
    env.globals.update(fold=fold, json_tree=json_tree, change=fmt.change, share=fmt.share)
    return env
