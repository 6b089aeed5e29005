"""What several routes share: the desk, the access log entry, the one way to start a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from spans.errors import NotFoundError, RefusedError
from spans.ids import TraceId, parse_trace_id
from spans.run import Run
from store.api import RunQuery, Store
from web.callers import SESSION_COOKIE, Caller
from web.desk import Desk
from web.places import local_path
from web.settings import WebSettings

DAY_S = 86_400
LOOKED_AT = 50
"""Newest runs whose promoted attributes are offered to split by."""
MOST_ATTRIBUTES = 20


def desk_of(request: Request) -> Desk:
    """The desk of the app that got this request."""
    desk: Desk = request.app.state.desk
    return desk


def record(
    desk: Desk,
    caller: Caller,
    action: str,
    target: str = "",
    project: str = "",
    detail: Mapping[str, str] | None = None,
) -> None:
    """Write the access log entry of what the caller is about to see or has asked to change.

    Raises:
        BusyError: it cannot be written, so the answer must not be given.
    """
    said = {"name": caller.name, **(detail or {})} if caller.name else dict(detail or {})
    desk.services.ledger.audit.append(caller.actor, action, target, said, project)


def find_run(store: Store, project: str, raw_id: str) -> Run:
    """The run of an id, or of any trace in it.

    Raises:
        NotFoundError: not an id, or the project has none; the two answers are the same on purpose.
    """
    try:
        trace = parse_trace_id(raw_id)
    except RefusedError:
        trace = None
    run = store.read_run(project, trace) if trace else None
    if run is None:
        raise NotFoundError(f"No run or trace {raw_id[:40]!r} in project {project!r}. It may not have arrived yet.")
    return run


def trace_or_none(text: str) -> TraceId | None:
    """The trace id that somebody pasted, dashes and capitals allowed; None when it is other text."""
    try:
        return parse_trace_id(text)
    except RefusedError:
        return None


def small_number(text: str) -> int:
    """A number below a thousand from an address; 0 when it is anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def actor_names(desk: Desk) -> dict[str, str]:
    """Names of the members and keys that the access log knows by their ids."""
    ledger = desk.services.ledger
    names = {f"member:{m.member_id}": m.name for m in ledger.members.list()}
    return names | {f"key:{k.key_id}": f"key {k.name}" for k in ledger.keys.list()}


def go(request: Request, target: str) -> RedirectResponse:
    """Send a person to a path of ours after a form."""
    return RedirectResponse(request.scope.get("root_path", "") + local_path(target), status_code=303)


def keep_session(response: Response, request: Request, settings: WebSettings, token: str) -> None:
    """Put the session into its cookie."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=settings.session_days * DAY_S,
        path=request.scope.get("root_path", "") or "/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def drop_session(response: Response, request: Request) -> None:
    """Forget the session cookie."""
    response.delete_cookie(SESSION_COOKIE, path=request.scope.get("root_path", "") or "/")


def carried_attributes(desk: Desk, query: RunQuery) -> tuple[str, ...]:
    """Promoted attributes that the newest runs of a query carry."""
    runs = desk.services.store.find_runs(replace(query, limit=LOOKED_AT)).rows
    return tuple(sorted({name for run in runs for name in run.attributes})[:MOST_ATTRIBUTES])
