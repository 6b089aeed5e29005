from __future__ import annotations

import pytest

from spans.roles import Role
from tests.web.house import House, a_house
from web.callers import SESSION_COOKIE
from web.settings import WebSettings

OURS = {"sec-fetch-site": "same-origin"}


def sign_in_link(house: House, **changes) -> str:
    return house.ledger.links.create(changes.pop("kind", "sign_in"), role=changes.pop("role", Role.ADMIN), **changes)


def actions(house: House) -> list[tuple[str, str]]:
    return [(e.action, e.actor.split(":")[0]) for e in reversed(house.ledger.audit.list())]


def test_opening_a_link_does_not_use_it_up(house: House):
    token = sign_in_link(house, name="owner")
    client = house.client()
    for _ in range(3):
        page = client.get(f"/sign-in?token={token}")
        assert page.status_code == 200
        assert SESSION_COOKIE not in page.cookies
    assert client.post("/sign-in", data={"token": token}, headers=OURS).status_code == 303
    assert client.get("/runs").status_code == 200
    assert actions(house)[0] == ("sign_in", "member")


def test_a_link_works_once(house: House):
    token = sign_in_link(house)
    assert house.client().post("/sign-in", data={"token": token}, headers=OURS).status_code == 303
    again = house.client().post("/sign-in", data={"token": token}, headers=OURS)
    assert again.status_code == 401
    assert "used before" in again.text


def test_the_cookie_is_for_us_alone(house: House):
    token = sign_in_link(house)
    cookie = house.client().post("/sign-in", data={"token": token}, headers=OURS).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=2592000" in cookie
    assert "secure" not in cookie


def test_over_tls_the_cookie_is_secure_and_keeps_to_the_sub_path(tmp_path):
    house = a_house(tmp_path, settings=WebSettings("https://localhost/tape"))
    token = sign_in_link(house)
    cookie = house.client().post("/sign-in", data={"token": token}, headers=OURS).headers["set-cookie"]
    assert "Secure" in cookie
    assert "Path=/tape" in cookie


@pytest.mark.parametrize(
    ("asked", "opened"),
    [("/runs?workflow=a", "/runs?workflow=a"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("", "/")],
)
def test_next_opens_only_pages_of_ours(house: House, asked, opened):
    token = sign_in_link(house)
    answer = house.client().post("/sign-in", data={"token": token, "next": asked}, headers=OURS)
    assert answer.headers["location"] == opened


def test_the_owner_is_one_person_whatever_the_link(house: House):
    for _ in range(2):
        token = sign_in_link(house, name="owner")
        house.client().post("/sign-in", data={"token": token}, headers=OURS)
    assert [m.name for m in house.ledger.members.list()] == ["owner"]


def test_an_invitation_makes_a_member_with_its_role(house: House):
    token = sign_in_link(house, kind="invitation", role=Role.VIEWER, name="Ada")
    client = house.client()
    assert 'name="name"' in client.get(f"/join?token={token}").text
    answer = client.post("/sign-in", data={"token": token, "name": " Ada  Lovelace "}, headers=OURS)
    assert answer.status_code == 303
    assert [(m.name, m.role) for m in house.ledger.members.list()] == [("Ada Lovelace", Role.VIEWER)]
    assert client.get("/runs").status_code == 200
    assert client.get("/members").status_code == 403
    assert ("member_change", "member") in actions(house)


def test_an_auditor_lands_on_the_access_log(house: House):
    token = sign_in_link(house, kind="invitation", role=Role.AUDITOR)
    client = house.client()
    answer = client.post("/sign-in", data={"token": token, "name": "Aud"}, headers=OURS)
    assert answer.headers["location"] == "/access-log"
    page = client.get("/access-log")
    assert page.status_code == 200
    assert 'href="/runs"' not in page.text


def test_a_pasted_key_signs_in_until_it_is_revoked(house: House):
    info, secret = house.ledger.keys.create("default", Role.VIEWER, "laptop")
    client = house.client()
    assert client.post("/sign-in", data={"key": secret}, headers=OURS).status_code == 303
    assert client.get("/runs").status_code == 200
    house.ledger.keys.revoke(info.key_id)
    assert client.get("/runs").status_code == 401


def test_an_ingest_key_reads_nothing(house: House):
    _, secret = house.ledger.keys.create("default", Role.INGEST, "agent")
    answer = house.client().post("/sign-in", data={"key": secret}, headers=OURS)
    assert answer.status_code == 401
    assert "ingest key" in answer.text


@pytest.mark.parametrize("data", [{}, {"key": ""}, {"key": "nonsense"}, {"token": "nonsense"}, {"token": "x" * 9000}])
def test_nonsense_signs_nobody_in(house: House, data):
    answer = house.client().post("/sign-in", data=data, headers=OURS)
    assert answer.status_code in {400, 401}
    assert SESSION_COOKIE not in answer.cookies


def test_signing_out_ends_the_session_itself(house: House):
    browser = house.browser()
    token = browser.cookies[SESSION_COOKIE]
    assert browser.post("/sign-out").status_code == 303
    assert house.ledger.sessions.lookup(token) is None
    assert browser.get("/runs").status_code == 401
    assert house.client().post("/sign-out", headers=OURS).status_code == 303


def test_a_removed_member_is_out_at_once(house: House):
    browser = house.browser(Role.VIEWER)
    member = house.ledger.members.list()[0]
    house.ledger.members.remove(member.member_id)
    assert browser.get("/runs").status_code == 401
