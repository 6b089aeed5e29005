"""Who may open what: the matrix of all routes and callers, generated from the router."""

from __future__ import annotations

import re
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.routing import Mount

from spans.errors import SettingsError
from spans.roles import Permission, Role, allows
from tests.web.house import House
from tests.web.samples import add_refund
from web.callers import Anyone, Guard, Reader, permissions_of

CALLERS = (None, Role.INGEST, Role.VIEWER, Role.REVIEWER, Role.ADMIN, Role.AUDITOR)


def address(path: str, run: str) -> str:
    path = path.replace("{run_id}", run).replace("{span_id}", "0" * 13 + "065").replace("{name:path}", "app.css")
    return re.sub(r"\{[^}]*\}", "x", path)


def expected(role: Role | None, permission: Permission) -> set[int]:
    if permission is Permission.PUBLIC or (role is not None and allows(role, permission)):
        return set()
    return {401} if role is None else {403}


@pytest.mark.parametrize("role", CALLERS)
def test_every_route_answers_each_caller_as_its_permission_says(house: House, role):
    run = add_refund(house.store)
    client = house.client(role)
    surprises = []
    for (method, path), permission in sorted(permissions_of(house.app).items()):
        if path == "/metrics":
            continue  # public on this machine only: tests/web/routes/test_metrics.py
        answer = client.request(method, address(path, run))
        wanted = expected(role, permission)
        refused = answer.status_code in {401, 403}
        if (wanted and answer.status_code not in wanted) or (not wanted and refused and path != "/sign-in"):
            # anonymous forms without a browser's word are refused as foreign before anything else
            if role is None and method == "POST" and answer.status_code == 403:
                continue
            surprises.append((method, path, permission, answer.status_code))
        assert answer.status_code < 500 or path == "/readyz", (method, path, answer.text[:300])
    assert surprises == []


def test_a_key_of_another_project_sees_nothing_of_this_one(house: House):
    run = add_refund(house.store, project="default")
    other = house.client(Role.ADMIN, project="other")
    assert other.get(f"/runs/{run}").status_code == 404
    assert other.get(f"/runs/{run}?project=default").status_code == 404
    assert other.get(f"/api/v1/runs/{run}?project=default").status_code == 404
    assert other.get("/api/v1/runs").json()["data"] == []
    assert other.get("/api/v1/runs?project=default").status_code == 404
    assert "refund-agent" not in other.get("/").text.replace('"service.name": "refund-agent"', "").replace(
        "refund-agent&#34;", ""
    )


def test_a_wrong_key_is_never_treated_as_no_key(house: House):
    client = house.client()
    assert client.get("/api/v1/runs", headers={"authorization": "Bearer nonsense"}).status_code == 401
    assert client.get("/api/v1/runs", headers={"authorization": f"Bearer {'x' * 5000}"}).status_code == 401


def test_a_revoked_key_stops_at_once(house: House):
    info, secret = house.ledger.keys.create("default", Role.VIEWER, "v")
    client = house.client()
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/runs", headers=headers).status_code == 200
    house.ledger.keys.revoke(info.key_id)
    assert client.get("/api/v1/runs", headers=headers).status_code == 401


def test_an_app_with_a_route_without_permission_does_not_start():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/open")
    def forgotten() -> None: ...

    with pytest.raises(SettingsError, match="/open"):
        permissions_of(app)


def test_a_route_with_two_permissions_does_not_start():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/both")
    def both(_: Reader, __: Anyone) -> None: ...

    with pytest.raises(SettingsError, match="/both"):
        permissions_of(app)


def test_mounts_and_web_sockets_do_not_slip_through():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.websocket("/live")
    async def live(_socket: WebSocket) -> None: ...

    with pytest.raises(SettingsError):
        permissions_of(app)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.append(Mount("/static", app=FastAPI()))
    with pytest.raises(SettingsError):
        permissions_of(app)


def test_a_permission_may_come_through_another_dependency():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    def inner(_: Annotated[object, Depends(Guard(Permission.AUDIT))]) -> None: ...

    @app.get("/nested", dependencies=[Depends(inner)])
    def nested() -> None: ...

    assert permissions_of(app) == {("GET", "/nested"): Permission.AUDIT}


def test_starting_checks_again(house: House):
    @house.app.get("/late")
    def late() -> None: ...

    with pytest.raises(SettingsError, match="/late"), house.client():
        pass
