"""What holds for every route, generated from the router: pages, headers, reading changes nothing, foreign requests change nothing."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from spans.roles import Permission, Role
from tests.web.furnished import FRAGMENTS, Furnished, addresses, furnished, get_routes
from tests.web.house import House
from web.callers import permissions_of
from web.settings import WebSettings

SUB_PATH = WebSettings("https://tape.example.com/tracetape", allowed_hosts=("localhost",))
WANTED_STATUS = {"/metrics": {404}, "/t/{text:path}": {303, 404}, "/runs/{run_id}/compare": {404}}
"""Everything else answers 200: no metrics here, an id leads to its run or nowhere, and neither run was good."""
KEEPS_BY_ITSELF = {"audit", "sessions", "api_keys", "alembic_version"}
"""Tables of the ledger that reading may touch: the access log, and when a session or key was last seen."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Furnished]:
    found = furnished(tmp_path_factory.mktemp("furnished"))
    yield found
    found.house.ledger.close()


def ask(made: Furnished) -> list[tuple[str, str, httpx.Response]]:
    client = made.house.client(Role.ADMIN)
    return [(route, path, client.get(path)) for route, paths in addresses(made).items() for path in paths]


@pytest.fixture(scope="module")
def answers(made: Furnished) -> list[tuple[str, str, httpx.Response]]:
    """Route, address and answer of everything an admin may open."""
    return ask(made)


def test_no_page_is_forgotten(made: Furnished):
    """A new GET route needs an address in tests/web/furnished.py: then axe, payloads, headers and phones look at it too."""
    assert get_routes(made.house) == set(addresses(made))


def test_every_address_answers_as_it_should(answers):
    wrong = [
        (path, answer.status_code)
        for route, path, answer in answers
        if answer.status_code not in WANTED_STATUS.get(route, {200})
    ]
    assert wrong == []


def test_s2_every_html_answer_has_a_strict_policy_and_inline_nothing(answers):
    pages = 0
    for _, path, answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY", path
        assert answer.headers["referrer-policy"] == "same-origin", path
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", path
        assert re.fullmatch(r"'nonce-[\w-]{20,}'", policy["script-src"]), path
        assert policy["style-src"] == policy["script-src"], path
        assert set(policy["img-src"].split()) <= {"'self'", "data:"}, path
        assert set(policy["connect-src"].split()) | set(policy["form-action"].split()) == {"'self'"}, path
        if not answer.headers.get("content-type", "").startswith("text/html") or path.endswith("/share"):
            continue
        pages += 1
        nonce = policy["script-src"].removeprefix("'nonce-").rstrip("'")
        for tag in re.findall(r"<(?:script|style|link rel=\"stylesheet\")[^>]*>", answer.text):
            assert f'nonce="{nonce}"' in tag, path
        assert not re.search(r"<[^>]*\s(?:on[a-z]+|style)=", re.sub(r'"[^"]*"', '""', answer.text)), path
    assert pages > 80


def test_s9_reading_everything_twice_changes_nothing_but_the_access_log(made: Furnished):
    def state() -> dict[str, list[tuple[object, ...]]]:
        with sqlite3.connect(made.folder / "ledger.sqlite") as ledger:
            names = [n for (n,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {n: ledger.execute(f"SELECT * FROM {n}").fetchall() for n in names if n not in KEEPS_BY_ITSELF}

    before, stored = state(), made.house.store.stored_bytes()
    assert sum(map(bool, before.values())) > 15
    for _ in range(2):
        ask(made)
    assert state() == before
    assert made.house.store.stored_bytes() == stored
    assert made.house.calls == []


FOREIGN = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {},
)


@pytest.mark.parametrize("headers", FOREIGN)
def test_s9_no_unsafe_route_takes_a_request_of_another_site(house: House, headers):
    browser = house.browser(Role.ADMIN)
    del browser.headers["sec-fetch-site"]
    before = house.ledger.audit.list(1)
    unsafe = [(m, p) for m, p in permissions_of(house.app) if m not in {"GET", "HEAD", "OPTIONS"}]
    assert len(unsafe) > 50
    for method, path in unsafe:
        answer = browser.request(method, re.sub(r"\{[^}]*\}", "x", path), headers=headers)
        assert answer.status_code == 403, path
    assert house.ledger.audit.list(1) == before


def test_every_page_says_in_its_title_what_it_is(answers):
    titles: dict[str, str] = {}
    for route, path, answer in answers:
        found = re.search(r"<title>(.*?) · tracetape</title>", answer.text, re.DOTALL)
        if route in FRAGMENTS or not answer.headers.get("content-type", "").startswith("text/html") or not found:
            continue
        titles.setdefault(route, found[1])
        assert found[1].strip(), path
        assert not re.search(r"\bNone\b|Undefined|object at", found[1]), path
    assert re.fullmatch(r"refund-agent · .+ · .*\d\d:\d\d.*", titles["/runs/{run_id}"])
    assert len(set(titles.values())) >= len(titles) - 6, sorted(titles.items())


def test_no_page_says_none_or_undefined(answers):
    for _, path, answer in answers:
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        said = re.sub(r"<(script|code|pre|textarea)\b.*?</\1>", "", answer.text, flags=re.DOTALL)
        shown = re.sub(r"<[^>]+>", " ", said)
        assert not re.search(r"\b(None|Undefined|NaN|nan|inf)\b|object at 0x|\[object|Decimal\(|\bdict\(", shown), path


def test_o9_every_link_of_every_page_keeps_the_sub_path(tmp_path: Path):
    made = furnished(tmp_path, settings=SUB_PATH)
    client = made.house.client(Role.ADMIN)
    for paths in addresses(made).values():
        for path in paths:
            for prefix in ("", "/tracetape"):
                answer = client.get(prefix + path)
                assert answer.status_code in {200, 303, 404}, path
                if "location" in answer.headers:
                    assert answer.headers["location"].startswith("/tracetape/"), path
                own = re.findall(
                    r'(?:href|src|action|formaction|hx-get|hx-post|data-loud|data-quiet|data-brush)="(/[^"]*)"',
                    answer.text,
                )
                assert [link for link in own if not link.startswith("/tracetape/")] == [], path
    made.house.ledger.close()


def test_tables_can_be_sorted_searched_and_downloaded_on_every_page(answers):
    """The list of runs does all three on the server, over the whole list; an explanation of cost is no list."""
    left: dict[str, list[str]] = {}
    for _, path, answer in answers:
        tables = re.findall(r"<table\b[^>]*>", answer.text) if "html" in answer.headers.get("content-type", "") else []
        plain = [
            t
            for t in tables
            if "data-csv=" not in t and " runs " not in t.replace('"', " ") and "skeleton" not in t and "costs" not in t
        ]
        if plain:
            left[path] = plain
    assert left == {}


@pytest.mark.parametrize("role", [None, Role.INGEST])
def test_nobody_and_senders_learn_nothing_from_any_page(made: Furnished, role):
    client = made.house.client(role)
    public = {
        path for (m, path), permission in permissions_of(made.house.app).items() if permission is Permission.PUBLIC
    }
    for route, paths in addresses(made).items():
        for path in paths if route not in public else ():
            answer = client.get(path)
            assert answer.status_code == (401 if role is None else 403), path
            assert "I want a refund" not in answer.text, path
            assert "I%20want" not in answer.text, path


def test_s3_another_project_sees_nothing_of_this_one_on_any_route(made: Furnished):
    """The seventh caller: an admin of another project, by path, by query and with this project's name in the address."""
    stranger = made.house.client(Role.ADMIN, project="other")
    ours = {made.incident, *made.findings, "I could not: I want", "conv I want"}
    for route, paths in addresses(made).items():
        for path in paths:
            for asked in (path, f"{path}{'&' if '?' in path else '?'}project=default"):
                answer = stranger.get(asked)
                assert answer.status_code < 500, asked
                shown = answer.text.replace(asked, "")
                for word in ours if route not in {"/prices", "/members", "/static/{name:path}", "/delivery"} else ():
                    assert word in asked or word not in shown, (asked, word)


HOSTS = (
    "evil.example", "localhost.evil.example", "evil.example:4319", "localhost:4319.evil.example", "localhost:4319@evil.example",
    "127.0.0.1@evil.example", "localhost%00.evil.example", "localhost/evil", "localhost#x", "localhost?x", "localhost\\evil",
    "xn--lcalhost-54a", "LOCALHOST.EVIL.EXAMPLE", "[::1", "[::1]evil", "::1", "0", "0.0.0.0", "127.1", "2130706433", "0x7f.1",
    "017700000001", "127.0.0.1.nip.io", "169.254.169.254", "metadata.google.internal", " localhost", "localhost evil.example",
    "localhost,evil.example", "a" * 300, "-", ".", "..", "localhost..", "localhost:abc", "localhost:99999", "localhost:-1",
)  # fmt: skip
PATHS = (
    "//members", "/./members", "/runs/../members", "/%6dembers", "/members%2f", "/members/", "/members;x=1", "/MEMBERS",
    "/members%00", "/members%20", "/members?x=/static/app.css", "/static/../members", "/static/..%2fmembers", "/healthz/../members",
    "/healthz%2f..%2fmembers", "/sign-in/../members", "/api/v1/../../members", "/\\members", "/members#", "http://evil.example/members",
)  # fmt: skip


def test_s3_spellings_of_host_and_path_open_no_door(made: Furnished):
    """Fifty and more: a permission hangs on the route, so no spelling of its path or host goes round it."""
    assert len(HOSTS) + len(PATHS) > 50
    admin, viewer, nobody = made.house.client(Role.ADMIN), made.house.client(Role.VIEWER), made.house.client()
    for host in HOSTS:
        answer = admin.get("/members", headers={"host": host})
        assert answer.status_code in {400, 403}, host
        assert "one-time link" not in answer.text, host
    for path in PATHS:
        for client in (viewer, nobody):
            answer = client.get(path)
            assert answer.status_code < 500, path
            assert "<title>Members" not in answer.text, path
            assert "End session" not in answer.text, path


def weight(made: Furnished, page: str) -> int:
    """Bytes over the wire of all styles and scripts of a page, compressed as a browser asks for them."""
    client = made.house.client(Role.ADMIN)
    files = re.findall(r'<(?:script src|link rel="stylesheet" href)="([^"]+)"', page)
    assert files
    total = 0
    for file in files:
        with client.stream("GET", file.replace("&amp;", "&"), headers={"accept-encoding": "gzip"}) as answer:
            assert answer.status_code == 200, file
            total += sum(map(len, answer.iter_raw()))
    return total


def test_styles_and_scripts_of_a_page_are_light(made: Furnished, answers):
    """At most 450 KB where charts are drawn and 60 KB elsewhere, compressed; every page is weighed, its kinds of files once."""
    seen: dict[tuple[str, ...], int] = {}
    charted = 0
    for _, path, answer in answers:
        if "<!doctype html>" not in answer.text or "/share" in path:
            continue
        files = tuple(re.findall(r'<(?:script src|link rel="stylesheet" href)="([^"]+)"', answer.text))
        seen.setdefault(files, weight(made, answer.text))
        with_charts = any("plotly" in file for file in files)
        charted += with_charts
        assert seen[files] <= (450_000 if with_charts else 60_000), (path, seen[files])
    assert charted >= 3
    assert len(seen) >= 2
