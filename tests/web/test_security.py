from __future__ import annotations

import re

import pytest

from spans.errors import BusyError
from spans.roles import Role
from tests.web.house import House, a_house, every_page
from tests.web.samples import add_refund
from web.settings import WebSettings

PAGES = (
    "/",
    "/runs",
    "/workflows",
    "/near-misses",
    "/connect",
    "/members",
    "/keys",
    "/access-log",
    "/delivery",
    "/about",
    "/-/patterns",
    "/sign-in",
    "/nope",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_strict_policy_and_its_own_nonce(house: House, path):
    client = house.client(Role.ADMIN)
    answers = [client.get(path) for _ in range(2)]
    nonces = set()
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"script-src 'nonce-([^']+)'", policy)[1]
        nonces.add(nonce)
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "img-src 'self' data:" in policy
        assert "unsafe" not in policy
        for tag in re.findall(r"<(?:script|style|link rel=\"stylesheet\")[^>]*>", answer.text):
            assert f'nonce="{nonce}"' in tag
        assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", answer.text)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    assert len(nonces) == 2


def test_only_pages_with_charts_load_plotly(house: House):
    client = house.client(Role.ADMIN)
    assert "plotly" not in client.get("/").text
    add_refund(house.store)
    assert "plotly.js-style-global" in client.get("/").text
    for path in ("/runs", "/members"):
        assert "plotly" not in client.get(path).text


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1@evil.example", ""])
def test_other_host_names_are_refused(house: House, host):
    answer = house.client(Role.ADMIN).get("/runs", headers={"host": host})
    assert answer.status_code == 403
    assert "public-url" in answer.text
    assert "refund" not in answer.text


def test_probes_answer_whatever_the_host(house: House):
    assert house.client().get("/healthz", headers={"host": "10.1.2.3"}).status_code == 200


FOREIGN = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:9999"},
    {"origin": "http://localhost:4319.evil.example"},
    {},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_of_another_site_changes_nothing(house: House, headers):
    browser = house.browser()
    del browser.headers["sec-fetch-site"]
    answer = browser.post("/members/invite", data={"role": "admin"}, headers=headers)
    assert answer.status_code == 403
    assert house.ledger.links.pending() == ()


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://localhost:4319"}])
def test_our_own_forms_work(house: House, headers):
    browser = house.browser()
    del browser.headers["sec-fetch-site"]
    assert browser.post("/members/invite", data={"role": "viewer"}, headers=headers).status_code == 200


def test_a_program_with_a_key_needs_no_origin(house: House):
    answer = house.client(Role.ADMIN).post("/keys/create", data={"role": "viewer", "name": "ci"})
    assert answer.status_code == 200


def test_the_public_origin_is_ours_behind_a_proxy(tmp_path):
    house = a_house(tmp_path, settings=WebSettings("https://tape.example.com", allowed_hosts=("inner",)))
    client = house.client(Role.ADMIN, base="http://inner")
    origin = {"origin": "https://tape.example.com"}
    assert client.post("/keys/create", data={"role": "viewer", "name": "ci"}, headers=origin).status_code == 200
    assert "strict-transport-security" in client.get("/healthz").headers


def test_what_breaks_is_a_plain_500_with_all_headers(tmp_path, caplog):
    def broken():
        raise RuntimeError("the secret is 42")

    house = a_house(tmp_path, health=broken)
    client = house.client(Role.ADMIN)
    page, data = client.get("/delivery"), client.get("/api/v1/health")
    assert (page.status_code, data.status_code) == (500, 500)
    assert "secret is 42" not in page.text + data.text
    assert "Traceback" not in page.text
    assert data.json()["error"]["code"] == "internal"
    assert "content-security-policy" in page.headers


def test_when_the_access_log_cannot_be_written_nothing_is_shown(tmp_path, monkeypatch):
    house = a_house(tmp_path)
    run = add_refund(house.store)
    client = house.client(Role.ADMIN)

    def refuse(*_args, **_kwargs):
        raise BusyError("The access log cannot be written now.")

    monkeypatch.setattr(house.ledger.audit, "append", refuse)
    for path in (
        f"/runs/{run}",
        f"/runs/{run}/conversation",
        f"/api/v1/runs/{run}",
        f"/runs/{run}/detail/0000000000000065",
    ):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "execute_refund" not in answer.text
        assert answer.headers["retry-after"] == "2"


def test_reading_everything_twice_changes_nothing_but_the_access_log(house: House):
    run = add_refund(house.store)
    browser = house.browser(Role.ADMIN)
    paths = [*every_page(house), f"/runs/{run}", f"/runs/{run}/conversation", "/runs/export", "/api/v1/runs"]

    def state() -> list[object]:
        ledger = house.ledger
        return [
            ledger.keys.list(), ledger.members.list(), ledger.links.pending(), ledger.pins.list(),
            ledger.views.list("default", "runs", "x"), ledger.receipts.list(), house.store.stored_bytes(), house.calls,
        ]  # fmt: skip

    before = state()
    for path in [*paths, *paths]:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "script-src 'nonce-" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert state() == before
