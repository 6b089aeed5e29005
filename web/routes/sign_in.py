"""Signing in and out: one-time links, invitations, pasted keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from spans.errors import RefusedError
from spans.roles import Permission, Role, allows
from store.ledger.links import Redeemed
from store.ledger.sessions import Subject
from web.callers import ANONYMOUS, Anyone, Caller, find_caller
from web.desk import Desk
from web.errors import SignInNeededError
from web.pages.frame import build_frame
from web.pages.sign_in import SignInPage
from web.places import DEFAULT_PROJECT, Place, local_path, parse_range
from web.routes.common import desk_of, drop_session, go, keep_session, record

router = APIRouter()

MOST_NAME = 80
_USED = "This link was used before or has expired. Ask for a new one: tracetape prints one at every start."


@router.get("/sign-in")
def show(request: Request, _: Anyone, token: str = "", next: str = "/") -> Response:  # noqa: A002 - the parameter's public name
    """The sign-in page. Opening a link changes nothing: link previews open links too."""
    return _show(request, SignInPage(next=local_path(next), token=token[:200], by_key=not token))


@router.get("/join")
def show_invitation(request: Request, _: Anyone, token: str = "") -> Response:
    """The page of an invitation, which asks for a name."""
    return _show(request, SignInPage(token=token[:200], asks_name=bool(token), by_key=not token))


@router.post("/sign-in")
def sign_in(
    request: Request,
    _: Anyone,
    token: Annotated[str, Form()] = "",
    key: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the parameter's public name
) -> Response:
    """Redeem a link or check a key, and start a session.

    Raises:
        SignInNeededError: the link or the key does not work.
    """
    desk = desk_of(request)
    subject, caller = _by_link(desk, token.strip(), name) if token else _by_key(desk, key.strip())
    record(desk, caller, "sign_in", detail={"by": "link" if token else "key"})
    session = desk.services.ledger.sessions.create(
        subject, request.headers.get("user-agent", ""), desk.settings.session_days * 86_400
    )
    role = caller.role or Role.VIEWER
    target = local_path(next) if allows(role, Permission.READ) else "/access-log"
    response = go(request, target)
    keep_session(response, request, desk.settings, session)
    return response


@router.post("/sign-out")
def sign_out(request: Request, _: Anyone) -> Response:
    """End the session of this browser."""
    desk = desk_of(request)
    caller = find_caller(request, desk.services)
    if caller.session_id:
        record(desk, caller, "sign_out")
        desk.services.ledger.sessions.revoke(caller.session_id)
    response = go(request, "/sign-in")
    drop_session(response, request)
    return response


def _by_link(desk: Desk, token: str, name: str) -> tuple[Subject, Caller]:
    found = desk.services.ledger.links.redeem(token) if len(token) <= 200 else None
    if found is None:
        raise SignInNeededError(_USED)
    member_id, shown = _member(desk, found, name)
    caller = Caller(found.role, shown, f"member:{member_id}", member_id=member_id)
    if found.kind == "invitation":
        record(desk, caller, "member_change", shown, detail={"did": "joined", "role": found.role.value})
    return Subject("member", member_id), caller


def _member(desk: Desk, found: Redeemed, name: str) -> tuple[str, str]:
    """The member a link is for. The owner's link, printed at every start, always means the same person."""
    members = desk.services.ledger.members
    if found.member_id:
        known = members.get(found.member_id)
        if known is None or known.removed_ns is not None:
            raise SignInNeededError(_USED)
        return known.member_id, known.name
    if found.kind == "sign_in":
        for member in members.list():
            if member.removed_ns is None and member.name == found.name and member.role is found.role:
                return member.member_id, member.name
    shown = " ".join(name.split())[:MOST_NAME] or found.name or f"invited {found.role.value}"
    made = members.create(shown, found.role)
    return made.member_id, made.name


def _by_key(desk: Desk, secret: str) -> tuple[Subject, Caller]:
    if not secret:
        raise RefusedError("Paste a key first.")
    key = desk.services.ledger.keys.lookup(secret) if len(secret) <= 200 else None
    if key is None:
        raise SignInNeededError("This key is not valid, or it was revoked.")
    if not allows(key.role, Permission.READ) and not allows(key.role, Permission.AUDIT):
        raise SignInNeededError("This is an ingest key: it sends telemetry and reads nothing. Paste a viewer key.")
    return Subject("key", key.key_id), Caller(key.role, key.name, f"key:{key.key_id}", key.project)


def _show(request: Request, page: SignInPage) -> Response:
    desk = desk_of(request)
    now = desk.services.clock_ns()
    frame = build_frame(
        title="Sign in",
        place=Place(request.scope.get("root_path", ""), DEFAULT_PROJECT, parse_range({}, now)),
        path="/sign-in",
        params={},
        caller=ANONYMOUS,
        theme=request.cookies.get("tracetape_theme", ""),
        now_ns=now,
        version=desk.services.version,
    )
    return desk.page(request, "sign_in.html", frame, page)
