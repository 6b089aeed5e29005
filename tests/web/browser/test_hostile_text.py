"""What agents write is text: never markup, never script, never a request (reliability reference, S1)."""

from __future__ import annotations

import csv
import io

import pytest

from spans.roles import Role
from tests.builders import NOW_NS, SECOND_NS, a_span_id
from tests.web.browser.conftest import Site
from tests.web.browser.payloads import PAYLOADS
from tests.web.house import House, every_page
from tests.web.samples import add_refund

pytestmark = pytest.mark.browser

PER_RUN = 12
FORBIDDEN = (
    "iframe, object, embed, base, meta[http-equiv], img, video, audio, math, "
    "main style, main link, main script:not([type='application/json'])"
)
INSPECT = """forbidden => {
  const found = [...document.querySelectorAll(forbidden)].map(e => e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll('*'))
    for (const a of e.attributes)
      if (/^on/i.test(a.name) || /^hx-on/i.test(a.name) || (/^(src|href|action|formaction|xlink:href)$/.test(a.name) && /^(javascript|data):/i.test(a.value.trim())) ||
          (/^(src|href|action|hx-get|hx-post)$/.test(a.name) && /^(https?:)?\\/\\//i.test(a.value) && !a.value.startsWith('https://github.com/tracetape/tracetape/tree/')))
        found.push(e.tagName + ' ' + a.name + '=' + a.value.slice(0, 80));
  if (window.__hit) found.push('executed');
  return found;
}"""


def groups() -> list[tuple[str, ...]]:
    return [PAYLOADS[n : n + PER_RUN] for n in range(0, len(PAYLOADS), PER_RUN)]


def test_there_are_two_hundred_of_them():
    assert len(set(PAYLOADS)) >= 200


def test_no_payload_in_any_field_or_key_comes_to_life(site: Site):
    runs = [
        add_refund(
            site.house.store,
            number + 1,
            text="\n".join(group),
            key=f"{group[0]} key",
            name=f"{group[1]} agent",
            at_ns=NOW_NS - number * SECOND_NS,
        )
        for number, group in enumerate(groups())
    ]
    page = site.page()
    found: dict[str, list[str]] = {}

    def look(path: str) -> None:
        page.goto(path)
        for detail in page.query_selector_all("details"):
            detail.evaluate("e => { e.open = true }")
        if alive := page.evaluate(INSPECT, FORBIDDEN):
            found[path] = alive

    for path in (*every_page(site.house), "/runs?shape=any&limit=100", "/runs?group=user", "/runs?group=session"):
        look(path)
    look(f"/compare?left={runs[0]}&right={runs[1]}")
    for number, run in enumerate(runs):
        look(f"/runs/{run}/conversation")
        look(f"/runs/{run}?span={a_span_id((number + 1) * 100 + 2)}&messages=all")
        look(f"/runs/{run}?span={a_span_id((number + 1) * 100 + 3)}")
    look(f"/runs/{runs[0]}?span={a_span_id(101)}")
    look(f"/runs/{runs[0]}?span={a_span_id(104)}")
    assert found == {}


def test_no_payload_comes_to_life_in_a_file(house: House):
    """Files are opened by spreadsheets and programs: no formula, no broken row, no HTML type."""
    for number, group in enumerate(groups()):
        add_refund(house.store, number + 1, text="\n".join(group), name=f"={group[1]} agent")
    client = house.client(Role.VIEWER)
    table = client.get("/runs/export?shape=any&limit=100")
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(table.text.lstrip("\ufeff"), newline="")))
    assert len(rows) == 1 + len(groups())
    assert {len(r) for r in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "@", "\t", "\r"}]
    assert not set("".join(cell for row in rows for cell in row)) & {"\u202e", "\u2066", "\x00"}
    for path in ("/runs/export?shape=any&format=json", "/api/v1/runs?shape=any"):
        answer = client.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.json()["data"]) >= len(groups())


@pytest.mark.parametrize("payload", PAYLOADS[::24])
def test_what_is_typed_into_the_address_stays_text(site: Site, payload: str):
    page = site.page()
    page.on("console", lambda _: site.problems.clear())  # refusals are loud in the console, and fine
    for name in ("workflow", "q", "attr.x", "status", "range", "since", "project", "cursor", "environment"):
        page.goto("/runs?" + "&".join(f"{k}={v}" for k, v in {name: _quoted(payload[:300])}.items()))
        assert page.evaluate(INSPECT, FORBIDDEN) == []
    site.problems[:] = [p for p in site.problems if "Failed to load resource" not in p]


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)
