"""What people and programs are told when a question was too much for the store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from spans.roles import Role
from store import open_store
from store.clickhouse import engine
from tests.runs.spans_of import agent, chat
from tests.web.house import a_house, fill

CAPS = {
    "time": ({"query_s": 0.001}, "longer than its time limit"),
    "memory": ({"memory_bytes": 10_000}, "more memory than its limit"),
}
RANGE = "since=2025-11-01T00:00:00Z&until=2027-12-31T00:00:00Z"


@pytest.fixture(params=CAPS)
def capped(request, tmp_path, monkeypatch):
    """Pages on a real store with some runs, whose readers may use almost nothing."""
    changes, words = CAPS[request.param]
    with closing(open_store(f"chdb://{tmp_path / 'store'}")) as store:
        store.migrate()
        fill(store, [agent(1, "support"), *(chat(n, parent=1) for n in range(2, 60))])
    for name in ("page", "search"):
        monkeypatch.setitem(engine.POOLS, name, replace(engine.POOLS[name], **changes))
    with closing(open_store(f"chdb://{tmp_path / 'store'}")) as store:
        (tmp_path / "web").mkdir()
        yield a_house(tmp_path / "web", store=store), words


@pytest.mark.parametrize("path", ["/runs?", "/runs?q=refund&", "/?"])
def test_a_page_that_asks_for_too_much_ends_with_what_to_ask_instead(capped, path):
    house, words = capped
    answer = house.client(Role.VIEWER).get(f"{path}{RANGE}")
    assert answer.status_code == 503
    assert "Too much at once" in answer.text
    assert words in answer.text
    assert "Ask for a shorter range" in answer.text
    assert "retry-after" not in answer.headers, "the same question ends the same way"
    for inside in ("Traceback", "ClickHouse", "chdb", "SELECT"):
        assert inside not in answer.text


def test_a_program_that_asks_for_too_much_is_told_the_same(capped):
    house, words = capped
    answer = house.client(Role.VIEWER).get(f"/api/v1/runs?{RANGE}")
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert error["code"] == "too_heavy"
    assert words in error["message"]
    assert "Ask for a shorter range" in error["message"]
