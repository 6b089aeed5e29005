"""Trees as they really arrive: without roots, with several, scattered, late, pending. Each is one honest page and no error."""

from __future__ import annotations

import pytest

from spans.ids import TraceId
from tests.runs.spans_of import TRACE, agent, chat, clean, clean_log, tool
from tests.web.house import a_house, fill

OTHER = TraceId("ffffffffffffffffffffffffffffff01")
SESSION = {"gen_ai.conversation.id": "ticket-7"}

TREES = {
    "no root": [chat(2, parent=1), tool(3, parent=1)],
    "orphans beside a root": [agent(1), chat(2, parent=1), tool(3, parent=77), chat(4, parent=78)],
    "several roots": [agent(1), agent(2, start=200, end=300), chat(3, parent=2, start=210, end=220)],
    "a parent that is its own child": [chat(1, parent=2), chat(2, parent=1)],
    "a span that is its own parent": [agent(1, parent=1), chat(2, parent=1)],
    "a remote parent that never reports": [agent(1, parent=99), chat(2, parent=1)],
    "not ended": [agent(1, end=None), chat(2, parent=1, end=None)],
    "ended before it began": [agent(1, start=100, end=50)],
    "children before and after their parent": [agent(1, start=50, end=60), chat(2, parent=1, start=0, end=200)],
    "pending": [
        clean(
            5,
            "pending",
            {"logfire.span_type": "pending_span", "logfire.pending_parent_id": "0" * 16},
            parent=1,
            scope="logfire",
        ),
        chat(2, parent=1),
    ],
    "logs only": [clean_log("gen_ai.choice", body={"message": {"content": "hello"}}, span=5)],
    "the same span twice, unended and ended": [agent(1, end=None), agent(1, end=500), chat(2, parent=1)],
    "days late": [agent(1), chat(2, parent=1, start=3 * 86_400_000, end=3 * 86_400_000 + 5)],
    "a thousand siblings without a parent": [chat(n, parent=5000, start=n, end=n + 1) for n in range(1, 1001)],
    "a chain of a thousand": [clean(n, f"step {n}", {}, parent=n - 1 if n > 1 else None) for n in range(1, 1001)],
}
INCOMPLETE = {"no root", "orphans beside a root", "not ended", "pending", "a thousand siblings without a parent"}


@pytest.mark.parametrize("name", TREES)
def test_it_is_one_honest_page(tmp_path, name):
    house = a_house(tmp_path)
    fill(house.store, TREES[name])
    browser = house.browser()
    page = browser.get(f"/runs/{TRACE}")
    assert page.status_code == 200
    told = browser.get(f"/api/v1/runs/{TRACE}").json()["data"]
    assert len({span["span_id"] for span in told["spans"]}) == len(told["spans"]) > 0
    for span in told["spans"][:5]:
        assert browser.get(f"/runs/{TRACE}", params={"span": span["span_id"]}).status_code == 200
        assert browser.get(f"/api/v1/runs/{TRACE}/spans/{span['span_id']}").status_code == 200
    moved = browser.get(f"/runs/{TRACE}", params={"tab": "replay"})
    assert (moved.status_code, moved.headers["location"].split("?")[0]) == (303, f"/runs/{TRACE}/replay")
    for page_path in (f"/runs/{TRACE}?tab=conversation", f"/runs/{TRACE}/replay"):
        assert browser.get(page_path).status_code == 200
    if name in INCOMPLETE:
        assert told["complete"] is False
        assert "ncomplete" in page.text
    assert browser.get("/runs", params={"shape": "any", "range": "90d"}).status_code == 200


def test_a_job_scattered_over_traces_is_one_session_and_each_part_answers(tmp_path):
    house = a_house(tmp_path)
    first = [agent(1, attributes=SESSION), chat(2, parent=1)]
    second = [
        agent(3, attributes=SESSION, trace=OTHER, start=900, end=950),
        chat(4, parent=3, trace=OTHER, start=910, end=920),
    ]
    fill(house.store, [*first, *second])
    browser = house.browser()
    both = browser.get("/api/v1/runs", params={"session": "ticket-7", "since": "2025-11-01T00:00:00Z"}).json()["data"]
    assert {run["run_id"] for run in both} == {TRACE, OTHER}
    for trace in (TRACE, OTHER):
        assert browser.get(f"/runs/{trace}").status_code == 200
