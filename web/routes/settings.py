"""Settings and Data & privacy: members, API keys, access log, About, the pattern page, preferences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from spans.errors import RefusedError
from spans.roles import Permission, Role
from store.ledger.key_info import KeyInfo
from web.callers import Admin, Anyone, Auditor, Caller, Reader
from web.desk import THEME_COOKIE, ZONE_COOKIE
from web.pages.lists import (
    PEOPLE_ROLES,
    AboutPage,
    build_access_log,
    build_keys,
    build_members,
    parse_changelog,
)
from web.pages.patterns import build_patterns
from web.places import DEFAULT_PROJECT
from web.routes.common import actor_names, desk_of, go, record

router = APIRouter()

LOG_PAGE = 100
MOST_NAME = 80
_YEAR_S = 365 * 86_400
_CHANGELOGS = (Path(__file__).parents[1] / "CHANGELOG.md", Path(__file__).parents[2] / "CHANGELOG.md")


@router.get("/members")
def members(request: Request, caller: Admin) -> Response:
    """Who may sign in."""
    return _members(request, caller)


def _members(request: Request, caller: Caller, link: str = "", link_name: str = "") -> Response:
    desk = desk_of(request)
    ledger = desk.services.ledger
    page = build_members(
        ledger.members.list(),
        ledger.links.pending(),
        ledger.sessions.list(),
        own_member=caller.member_id,
        own_session=caller.session_id,
        link=link,
        link_name=link_name,
    )
    frame = desk.frame(request, caller, desk.place(request, caller), "Members", active="settings")
    return desk.page(request, "members.html", frame, page)


@router.post("/members/invite")
def invite(
    request: Request, caller: Admin, role: Annotated[str, Form()], name: Annotated[str, Form()] = ""
) -> Response:
    """Make an invitation and show its link this once."""
    desk = desk_of(request)
    wanted = _role(role, PEOPLE_ROLES)
    shown = _name(name)
    record(desk, caller, "member_change", shown, detail={"did": "invite", "role": wanted.value})
    token = desk.services.ledger.links.create("invitation", role=wanted, name=shown)
    return _members(request, caller, f"{desk.services.endpoints.public_url.rstrip('/')}/join?token={token}", shown)


@router.post("/members/role")
def set_role(
    request: Request, caller: Admin, member_id: Annotated[str, Form()], role: Annotated[str, Form()]
) -> Response:
    """Give a member another role."""
    desk = desk_of(request)
    wanted = _role(role, PEOPLE_ROLES)
    _not_oneself(caller, member_id, "change your own role")
    record(desk, caller, "member_change", member_id, detail={"did": "role", "role": wanted.value})
    desk.services.ledger.members.set_role(member_id, wanted)
    return go(request, "/members")


@router.post("/members/remove")
def remove_member(request: Request, caller: Admin, member_id: Annotated[str, Form()]) -> Response:
    """Let a member sign in no more; their sessions end at once."""
    desk = desk_of(request)
    _not_oneself(caller, member_id, "remove yourself")
    record(desk, caller, "member_change", member_id, detail={"did": "remove"})
    desk.services.ledger.members.remove(member_id)
    return go(request, "/members")


@router.post("/members/cancel-invitation")
def cancel_invitation(request: Request, caller: Admin, link_id: Annotated[str, Form()]) -> Response:
    """Make an unused invitation worthless."""
    desk = desk_of(request)
    record(desk, caller, "member_change", link_id, detail={"did": "cancel invitation"})
    desk.services.ledger.links.cancel(link_id)
    return go(request, "/members")


@router.post("/members/end-session")
def end_session(request: Request, caller: Admin, session_id: Annotated[str, Form()]) -> Response:
    """End a session at once."""
    desk = desk_of(request)
    record(desk, caller, "member_change", session_id, detail={"did": "end session"})
    desk.services.ledger.sessions.revoke(session_id)
    return go(request, "/members")


def _not_oneself(caller: Caller, member_id: str, what: str) -> None:
    if caller.member_id and caller.member_id == member_id:
        raise RefusedError(f"You cannot {what}; ask another admin, so that one always remains.")


def _role(text: str, allowed: tuple[Role, ...]) -> Role:
    for role in allowed:
        if role.value == text:
            return role
    raise RefusedError(f"The role must be one of {', '.join(r.value for r in allowed)}.")


def _name(text: str) -> str:
    return " ".join(text.split())[:MOST_NAME]


@router.get("/keys")
def keys(request: Request, caller: Admin) -> Response:
    """API keys."""
    return _keys(request, caller)


def _keys(
    request: Request, caller: Caller, secret: str = "", made: KeyInfo | None = None, warning: str = ""
) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    known = desk.services.ledger.keys.list()
    mine = [k for k in known if caller.project in {None, k.project}]
    page = build_keys(mine, caller.project or place.project, secret=secret, made=made, warning=warning)
    frame = desk.frame(request, caller, place, "API keys", active="settings")
    return desk.page(request, "keys.html", frame, page)


@router.post("/keys/create")
def create_key(
    request: Request,
    caller: Admin,
    role: Annotated[str, Form()],
    name: Annotated[str, Form()],
    project: Annotated[str, Form()] = DEFAULT_PROJECT,
) -> Response:
    """Make a key and show its secret this once."""
    desk = desk_of(request)
    wanted = _role(role, (Role.INGEST, Role.VIEWER, Role.REVIEWER, Role.ADMIN))
    shown = _name(name)
    if not shown:
        raise RefusedError("Give the key a name, so that somebody knows later what it is for.")
    own = caller.project_or(_project(project), DEFAULT_PROJECT)
    first = wanted is Role.INGEST and not desk.services.ledger.keys.count(Role.INGEST)
    record(desk, caller, "key_change", shown, own, {"did": "create", "role": wanted.value})
    made, secret = desk.services.ledger.keys.create(own, wanted, shown)
    warning = ""
    if first and not desk.services.keys_required:
        warning = "Senders on this machine still work without a key. Start with --require-key to refuse them."
    return _keys(request, caller, secret, made, warning)


@router.post("/keys/revoke")
def revoke_key(request: Request, caller: Admin, key_id: Annotated[str, Form()]) -> Response:
    """End a key; it stops working within five seconds."""
    desk = desk_of(request)
    known = desk.services.ledger.keys.get(key_id)
    if known is not None:
        caller.project_or(known.project, DEFAULT_PROJECT)
    record(desk, caller, "key_change", key_id, known.project if known else "", {"did": "revoke"})
    desk.services.ledger.keys.revoke(key_id)
    return go(request, "/keys")


def _project(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 64 or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in name):
        raise RefusedError("A project's name is 1 to 64 letters, digits, dots, dashes and underscores.")
    return name


@router.get("/access-log")
def access_log(request: Request, caller: Auditor, before: int = 0) -> Response:
    """Who did what, newest first; a key sees what was done in its own project only."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    entries = desk.services.ledger.audit.list(LOG_PAGE, before or None, caller.project)
    page = build_access_log(
        place,
        entries,
        actor_names(desk),
        limit=LOG_PAGE,
        is_first=not before,
        may_read=caller.may(Permission.READ),
    )
    frame = desk.frame(request, caller, place, "Access log", active="privacy")
    return desk.page(request, "access_log.html", frame, page)


@router.get("/about")
def about(request: Request, caller: Reader) -> Response:
    """Version and changes."""
    desk = desk_of(request)
    text = next((p.read_text("utf-8") for p in _CHANGELOGS if p.is_file()), "")
    page = AboutPage(desk.services.version, parse_changelog(text))
    frame = desk.frame(request, caller, desk.place(request, caller), "About", active="settings")
    return desk.page(request, "about.html", frame, page)


@router.get("/-/patterns")
def patterns(request: Request, caller: Reader) -> Response:
    """Every element of the visual language, in light and dark."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    frame = desk.frame(request, caller, place, "Patterns")
    return desk.page(request, "patterns.html", frame, build_patterns(place, desk.services.clock_ns()))


@router.post("/preferences")
def preferences(
    request: Request,
    _: Anyone,
    theme: Annotated[str, Form()] = "",
    zone: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the parameter's public name
) -> Response:
    """Remember light or dark, local time or UTC, in this browser."""
    response = go(request, next)
    path = request.scope.get("root_path", "") or "/"
    secure = desk_of(request).settings.is_secure
    for cookie, value, known in ((THEME_COOKIE, theme, {"light", "dark"}), (ZONE_COOKIE, zone, {"utc"})):
        if value in known:
            response.set_cookie(cookie, value, max_age=_YEAR_S, path=path, secure=secure, samesite="lax")
        elif value:
            response.delete_cookie(cookie, path=path)
    return response
