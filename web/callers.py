"""Who is asking: a member or a key, found once per request, and the permission every route must name."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from spans.errors import NotFoundError, SettingsError
from spans.roles import Permission, Role, allows
from web.errors import NotPermittedError, SignInNeededError
from web.services import Services

SESSION_COOKIE = "tracetape_session"
_MOST_SECRET = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody, or nobody: `role` is None for an anonymous caller."""

    role: Role | None = None
    name: str = ""
    actor: str = "anonymous"
    """How the access log writes them: `member:ID` or `key:ID`."""
    project: str | None = None
    """The only project they may see; None for members, who see every project."""
    session_id: str = ""
    member_id: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether their role includes a permission."""
        return permission is Permission.PUBLIC or (self.role is not None and allows(self.role, permission))

    def project_or(self, asked: str, default: str) -> str:
        """The project to show.

        Raises:
            NotFoundError: a key asks for a project that is not its own (the same answer as for none at all).
        """
        if self.project is None:
            return asked or default
        if asked and asked != self.project:
            raise NotFoundError(f"No project {asked!r} can be seen with this key.")
        return self.project


ANONYMOUS = Caller()


def find_caller(request: Request, services: Services) -> Caller:
    """The caller of a request, from its Bearer key or its session cookie.

    Raises:
        SignInNeededError: a key was sent, but it is not valid; a wrong key is never treated as no key.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = services.ledger.keys.lookup(secret.strip()) if len(secret) <= _MOST_SECRET else None
        if key is None:
            raise SignInNeededError("This key is not valid, or it was revoked.")
        return Caller(key.role, key.name, f"key:{key.key_id}", key.project)
    token = request.cookies.get(SESSION_COOKIE, "")
    session = services.ledger.sessions.lookup(token) if 0 < len(token) <= _MOST_SECRET else None
    if session is None:
        return ANONYMOUS
    member = session.subject.id if session.subject.kind == "member" else ""
    actor = f"{session.subject.kind}:{session.subject.id}"
    return Caller(session.role, session.name, actor, session.project, session.session_id, member)


class Guard:
    """A dependency that lets a request through when its caller has the permission, and hands the caller on."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, request: Request) -> Caller:
        """Find the caller and judge.

        Raises:
            SignInNeededError: nobody is signed in.
            NotPermittedError: the role does not include the permission.
        """
        if self.permission is Permission.PUBLIC:
            return ANONYMOUS
        caller = find_caller(request, request.app.state.services)
        request.state.caller = caller
        if caller.role is None:
            raise SignInNeededError("Sign in to see this.")
        if not caller.may(self.permission):
            raise NotPermittedError(_refusal(caller.role, self.permission))
        return caller


_NEEDS: dict[Permission, str] = {
    Permission.SEND: "sending telemetry",
    Permission.READ: "reading runs and pages",
    Permission.REVIEW: "reviewing runs",
    Permission.ADMINISTER: "administering members, keys and settings",
    Permission.AUDIT: "reading the access log",
}


def _refusal(role: Role, permission: Permission) -> str:
    able = " or ".join(r.value for r in Role if r is not Role.INGEST and allows(r, permission)) or "another role"
    return f"The role {role.value} does not include {_NEEDS[permission]}; it takes {able}."


Anyone = Annotated[Caller, Depends(Guard(Permission.PUBLIC))]
Reader = Annotated[Caller, Depends(Guard(Permission.READ))]
Reviewer = Annotated[Caller, Depends(Guard(Permission.REVIEW))]
Admin = Annotated[Caller, Depends(Guard(Permission.ADMINISTER))]
Auditor = Annotated[Caller, Depends(Guard(Permission.AUDIT))]


def permissions_of(app: FastAPI) -> dict[tuple[str, str], Permission]:
    """Every (method, path) of the app with the permission it declares.

    Raises:
        SettingsError: a route declares none, or more than one; the app must not start.
    """
    table: dict[tuple[str, str], Permission] = {}
    for route in _routes(app.routes):
        path = getattr(route, "path", repr(route))
        guards = list(_guards(route.dependant)) if isinstance(route, APIRoute) else []
        if not isinstance(route, APIRoute) or len({g.permission for g in guards}) != 1:
            raise SettingsError(f"The route {path} does not declare exactly one permission, so the web does not start.")
        for method in route.methods or ():
            table[method, route.path] = guards[0].permission
    return table


def _routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        inner: Any = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from _routes(inner.routes)


def _guards(dependant: Dependant) -> Iterator[Guard]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Guard):
            yield inner.call
        yield from _guards(inner)


class Recent:
    """A small memory with an age limit, for answers that every page asks for (projects, environments)."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[object, tuple[float, Any]] = {}

    def get(self, key: object, make: Any) -> Any:
        """The remembered answer, or a fresh one."""
        now = time.monotonic()
        found = self._kept.get(key)
        if found and now - found[0] < self._seconds:
            return found[1]
        value = make()
        if len(self._kept) > 500:
            self._kept.clear()
        self._kept[key] = (now, value)
        return value
