from __future__ import annotations

import re

from spans.roles import Role
from tests.web.house import House


def test_an_invitation_is_shown_once_and_works(house: House):
    browser = house.browser()
    page = browser.post("/members/invite", data={"role": "reviewer", "name": "Grace"})
    link = re.search(r"http://localhost:4319(/join\?token=[\w-]+)", page.text)[1]
    assert link.split("=")[1] not in browser.get("/members").text
    token = link.split("=")[1]
    guest = house.client()
    assert guest.get(link).status_code == 200
    answer = guest.post("/sign-in", data={"token": token, "name": "Grace"}, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303
    assert {m.role for m in house.ledger.members.list()} == {Role.ADMIN, Role.REVIEWER}


def test_nobody_is_invited_as_a_sender(house: House):
    assert house.browser().post("/members/invite", data={"role": "ingest"}).status_code == 400


def test_an_admin_cannot_lock_the_last_door(house: House):
    browser = house.browser()
    own = house.ledger.members.list()[0].member_id
    assert browser.post("/members/remove", data={"member_id": own}).status_code == 400
    assert browser.post("/members/role", data={"member_id": own, "role": "viewer"}).status_code == 400
    assert house.ledger.members.get(own).removed_ns is None


def test_members_sessions_and_invitations_can_be_ended(house: House):
    browser = house.browser()
    other = house.ledger.members.create("Ada", Role.VIEWER)
    house.ledger.links.create("invitation", role=Role.VIEWER, name="late")
    link = house.ledger.links.pending()[0].link_id
    session = house.ledger.sessions.list()[0].session_id
    assert browser.post("/members/role", data={"member_id": other.member_id, "role": "reviewer"}).status_code == 303
    assert house.ledger.members.get(other.member_id).role is Role.REVIEWER
    assert browser.post("/members/remove", data={"member_id": other.member_id}).status_code == 303
    assert browser.post("/members/cancel-invitation", data={"link_id": link}).status_code == 303
    assert browser.post("/members/end-session", data={"session_id": session}).status_code == 303
    assert house.ledger.links.pending() == ()
    assert browser.get("/runs").status_code == 401
    assert sum(e.action == "member_change" for e in house.ledger.audit.list()) == 4


def test_a_key_is_shown_once(house: House):
    browser = house.browser()
    page = browser.post("/keys/create", data={"role": "ingest", "name": "agent", "project": "default"})
    secret = re.search(r"tt_ingest_\w+_[\w-]+", page.text)[0]
    assert house.ledger.keys.lookup(secret) is not None
    assert "still work without a key" in page.text
    listed = browser.get("/keys").text
    assert secret not in listed
    key_id = house.ledger.keys.list()[0].key_id
    assert browser.post("/keys/revoke", data={"key_id": key_id}).status_code == 303
    assert house.ledger.keys.lookup(secret) is None
    assert browser.post("/keys/revoke", data={"key_id": "nothing"}).status_code == 404


def test_keys_need_a_name_and_a_project_that_can_be_written(house: House):
    browser = house.browser()
    assert browser.post("/keys/create", data={"role": "viewer", "name": "  "}).status_code == 400
    assert browser.post("/keys/create", data={"role": "viewer", "name": "a", "project": "../x"}).status_code == 400
    assert browser.post("/keys/create", data={"role": "auditor", "name": "a"}).status_code == 400


def test_an_admin_key_manages_its_own_project_only(house: House):
    client = house.client(Role.ADMIN, project="other")
    info, _ = house.ledger.keys.create("default", Role.VIEWER, "mine")
    assert info.key_id not in client.get("/keys").text
    assert client.post("/keys/revoke", data={"key_id": info.key_id}).status_code == 404
    assert client.post("/keys/create", data={"role": "viewer", "name": "a", "project": "default"}).status_code == 404


def test_the_access_log_tells_who_did_what(house: House):
    browser = house.browser()
    browser.post("/members/invite", data={"role": "viewer", "name": "<b>Eve</b>"})
    page = browser.get("/access-log").text
    assert "signed in" in page
    assert "changed members" in page
    assert "&lt;b&gt;Eve&lt;/b&gt;" in page
    assert ">Ada<" in page


def test_the_access_log_pages_backwards(house: House):
    for number in range(130):
        house.ledger.audit.append("key:1", "search", f"s{number}")
    client = house.client(Role.ADMIN)
    page = client.get("/access-log").text
    assert "s129" in page
    assert "s20<" not in page
    older = re.search(r'href="(/access-log\?before=\d+)"', page)[1]
    assert "s20<" in client.get(older).text


def test_preferences_are_remembered_in_this_browser(house: House):
    browser = house.browser()
    answer = browser.post("/preferences", data={"theme": "dark", "zone": "utc", "next": "/runs"})
    assert answer.headers["location"] == "/runs"
    assert '<html lang="en" data-theme="dark" data-zone="utc">' in browser.get("/runs").text
    browser.post("/preferences", data={"theme": "system"})
    assert "data-theme" not in browser.get("/runs").text.split(">")[1]
    browser.post("/preferences", data={"theme": "x'><script>"})
    assert '<html lang="en" data-zone' in browser.get("/runs").text


def test_a_key_sees_only_its_own_project_in_the_access_log(house: House):
    house.ledger.audit.append("member:1", "content_read", "a-run-of-theirs", project="theirs")
    house.ledger.audit.append("member:1", "content_read", "a-run-of-ours", project="default")
    shown = house.client(Role.AUDITOR).get("/access-log").text
    assert "a-run-of-ours" in shown
    assert "a-run-of-theirs" not in shown
