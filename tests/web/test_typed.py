from __future__ import annotations

import html
import logging
import re
from dataclasses import fields
from pathlib import Path

import pytest

from spans.errors import BusyError
from spans.roles import Role
from spans.run import Assembly
from store.memory import MemoryStore
from tests.builders import NOW_NS, SECOND_NS, a_run, a_trace_id
from tests.web.house import House, a_house, redact_text
from web.filters import TEXT_NAMES

TYPED = "maria@example.com"
TOKEN = "<EMAIL_ADDRESS_tapkmj7f>"
NAMES = (*TEXT_NAMES, "environment", "attr.app.tenant", "q")


class Watched(MemoryStore):
    """A store that notes every query it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []

    def _where(self, query, **more):
        self.asked.append(query)
        return super()._where(query, **more)


class Worker:
    """Redaction that counts what it is asked, and may be away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False

    def __call__(self, project: str, text: str) -> str:
        if self.away:
            raise BusyError("Redaction is still loading; try again in a moment.")
        self.asked.append(text)
        return redact_text(project, text).replace("Anna", "<PERSON_abcdefgh>")


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def watched(tmp_path: Path, worker: Worker) -> House:
    made = a_house(tmp_path, redact_text=worker, store=Watched())
    for number, who in enumerate((TOKEN, TOKEN, "USER_77"), 1):
        run = a_run(
            run_id=a_trace_id(number), user_id=who, session_id=f"s-{number}", workflow="Anna", attributes={"app.tenant": who},
            started_ns=NOW_NS - number * SECOND_NS,
        )  # fmt: skip
        made.store.write_derived([Assembly(run, ())])
    made.store.asked.clear()
    return made


def rows(page: str) -> int:
    return page.count('<tr id="r-')


def test_what_is_typed_into_the_filter_form_leads_to_an_address_without_it(watched: House, worker: Worker):
    browser = watched.browser()
    form = html.unescape(browser.get("/runs/facets?range=7d&order=oldest").text)
    assert 'method="post"' in form
    action = re.search(r'action="([^"]+)"', form)[1]
    answer = browser.post(action, data={"user": TYPED, "attr.app.tenant": TYPED, "session": "", "denied": "0"})
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert TYPED.partition("@")[0] not in where
    assert "range=7d" in where
    assert "order=oldest" in where
    assert "denied=0" in where
    worker.asked.clear()
    page = browser.get(where).text
    assert rows(page) == 2
    assert worker.asked == [], "the address holds nothing but what is known to be clean"
    assert rows(browser.get(browser.post("/runs/filter", data={"user": "USER_77"}).headers["location"]).text) == 1
    assert browser.post("/runs/filter", data={"status": "odd"}).status_code == 400
    assert watched.client().post("/runs/filter", data={}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/runs?",
        "/runs/facets?",
        "/runs/live?after=0.0.0.0&",
        "/runs/export?",
        "/api/v1/runs?",
        "/runs?group=user&",
        "/runs?facets=open&",
    ],
)
def test_an_address_typed_by_hand_reaches_no_query_no_link_and_no_log(
    watched: House, tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str
):
    caplog.set_level(logging.DEBUG)
    client = watched.client(Role.VIEWER)
    for name in NAMES:
        watched.store.asked.clear()
        answer = client.get(f"{path}{name}={TYPED}&shape=any")
        assert answer.status_code in {200, 204}, name
        assert TYPED not in html.unescape(answer.text), name
        assert "maria%40" not in answer.text, name
        assert watched.store.asked
        assert TYPED not in repr([[getattr(q, f.name) for f in fields(q)] for q in watched.store.asked]), name
    assert all(TYPED.encode() not in file.read_bytes() for file in tmp_path.iterdir())
    assert not any(TYPED in record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))


def test_no_saved_view_and_no_search_keeps_what_was_typed(watched: House, tmp_path: Path):
    browser = watched.browser(Role.VIEWER)
    for name in NAMES:
        for path, data in (("/runs/views", {"name": name, "shared": "1"}), ("/search", {"q": "x"})):
            answer = browser.post(f"{path}?{name}={TYPED}", data=data)
            assert answer.status_code == 303
            assert "maria" not in answer.headers["location"]
    views = watched.ledger.views.list("default", "runs", "")
    assert len(views) == len(NAMES)
    assert all("tapkmj7f" in view.query for view in views)
    assert all(b"maria" not in file.read_bytes() for file in tmp_path.iterdir())


def test_the_api_finds_a_person_by_what_was_typed_and_by_the_pseudonym(watched: House):
    client = watched.client(Role.VIEWER)
    found = [
        [r["run_id"] for r in client.get("/api/v1/runs", params={"user": who}).json()["data"]] for who in (TYPED, TOKEN)
    ]
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_the_key_of_an_attribute_is_cleaned_unless_it_is_a_plain_one(watched: House, worker: Worker):
    page = watched.client(Role.VIEWER).get(f"/runs?attr.{TYPED}=1&attr.app.tenant={TOKEN}").text
    assert TYPED not in page
    assert f"attr.{TYPED}" not in html.unescape(page)
    assert worker.asked == [TYPED, "1"]


def test_a_stored_value_that_looks_like_a_name_is_looked_for_as_it_stands(watched: House):
    client = watched.client(Role.VIEWER)
    assert rows(client.get("/runs?workflow=Anna").text) == 3
    assert rows(client.get("/runs?user=Anna").text) == 0, "no run has that user, so it is redacted"


def test_a_worker_is_asked_once_about_a_value_and_not_at_all_about_those_of_our_links(watched: House, worker: Worker):
    client = watched.client(Role.VIEWER)
    for _ in range(3):
        client.get("/runs?agent=shop")
    assert worker.asked == ["shop"]
    worker.asked.clear()
    groups = client.get("/runs?group=session").text
    doors = [html.unescape(href) for href in re.findall(r'<a class="door" href="([^"]+)"', groups)]
    assert len(doors) == 3
    for door in (
        *doors,
        *(html.unescape(h) for h in re.findall(r'href="(/runs\?[^"]*workflow=[^"]*)"', client.get("/").text)),
    ):
        assert client.get(door).status_code == 200
    assert worker.asked == []


def test_while_no_worker_can_redact_only_what_is_stored_is_looked_for(watched: House, worker: Worker):
    worker.away = True
    client, browser = watched.client(Role.VIEWER), watched.browser()
    assert rows(client.get("/runs?workflow=Anna").text) == 3
    assert rows(client.get(f"/runs?user={TOKEN}").text) == 2
    for answer in (
        client.get(f"/runs?user={TYPED}"),
        client.get(f"/api/v1/runs?user={TYPED}"),
        client.get(f"/runs?environment={TYPED}"),
        browser.post("/runs/filter", data={"user": TYPED}),
        browser.post(f"/runs/views?user={TYPED}", data={"name": "Ours"}),
    ):
        assert answer.status_code == 503
        assert "Redaction is still loading" in answer.text
        assert TYPED not in answer.text
