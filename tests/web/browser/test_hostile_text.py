"""What agents write is text: never markup, never script, never a request (reliability reference, S1)."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser

from spans.roles import Role
from spans.span import StatusCode
from tests.builders import NOW_NS, SECOND_NS, a_span_id
from tests.web.browser.conftest import Site, a_listener, serving
from tests.web.browser.payloads import IDEAS, PAYLOADS, WAYS_OUT
from tests.web.furnished import Furnished, furnished, html_pages
from tests.web.house import BASE, House, clean, every_page, fill
from tests.web.samples import FIELDS, add_refund, refund_spans

pytestmark = pytest.mark.browser

PER_RUN = 12
FORBIDDEN = (
    "iframe, object, embed, base, meta[http-equiv], img, video, audio, math, "
    "main style, main link, main script:not([type='application/json'])"
)
OWN_POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
INSPECT = """forbidden => {
  const found = [...document.querySelectorAll(forbidden)].map(e => e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll('*'))
    for (const a of e.attributes)
      if (/^on/i.test(a.name) || /^hx-on/i.test(a.name) || (/^(src|href|action|formaction|xlink:href)$/.test(a.name) && /^(javascript|data):/i.test(a.value.trim())) ||
          (/^(src|href|action|hx-get|hx-post)$/.test(a.name) && /^(https?:)?\\/\\//i.test(a.value) && !a.value.startsWith('https://github.com/tracetape/tracetape/tree/') && !a.value.startsWith(location.origin + '/')))
        found.push(e.tagName + ' ' + a.name + '=' + a.value.slice(0, 80));
  if (window.__hit) found.push('executed');
  return found;
}"""


HIDDEN = {"\u202e", "\u2066", "\x00"}
LINKED = re.compile(r"https?://|www\.")


def groups() -> list[tuple[str, ...]]:
    return [PAYLOADS[n : n + PER_RUN] for n in range(0, len(PAYLOADS), PER_RUN)]


def odd_fields(number: int) -> dict[str, str]:
    """The short fields of a run: each another payload of its group, and another way out than in the run before."""
    group = groups()[number]
    return {field: group[(number + place) % len(group)] for place, field in enumerate(FIELDS)}


def test_there_are_two_hundred_of_them():
    assert len(set(PAYLOADS)) >= 200


def test_each_of_the_two_hundred_is_a_key_and_every_way_out_is_in_every_field():
    assert {key for group in groups() for key in group} == set(PAYLOADS)
    for field in FIELDS:
        tried = {PAYLOADS.index(odd_fields(number)[field]) % len(WAYS_OUT) for number in range(len(groups()))}
        assert tried == set(range(len(WAYS_OUT))), field


def test_no_payload_in_any_field_or_key_comes_to_life(site: Site):
    runs = [
        add_refund(
            site.house.store,
            number + 1,
            text="\n".join(group),
            key=f"{group[number % PER_RUN]} key",
            name=f"{group[(number + 1) % PER_RUN]} agent",
            keys=group,
            fields=odd_fields(number),
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


WORDS = tuple(p for p in PAYLOADS if len(p) <= 60)
"""Those that fit where only a few words fit; every short field gets another one."""
SHORT = dict(zip(FIELDS, WORDS[:: len(WORDS) // len(FIELDS)], strict=False))
TRIED = "workflow_id: x\nallowed_tools: [{0}]\ndenied_tools: [{0}, execute_refund]\nowner: {{team: {0}}}\n"
SUBMIT = """([path, fields]) => {
  const form = document.createElement('form');
  Object.assign(form, {method: 'post', action: path});
  for (const [name, value] of Object.entries(fields)) {
    const area = document.createElement('textarea');
    Object.assign(area, {name, value});
    form.append(area);
  }
  document.body.append(form);
  form.submit();
}"""


def forms(made: Furnished, text: str) -> list[tuple[str, dict[str, str]]]:
    """Everything typed into a form that is shown again at once, right or wrong."""
    said = json.dumps(text[:60])
    return [
        ("/whatif", {"policy": TRIED.format(said)}),
        ("/whatif", {"policy": text}),
        ("/policy/save", {"workflow": made.workflow, "text": text, "note": text, "do": "check"}),
        ("/policy/save", {"workflow": text[:80], "text": TRIED.format(said), "do": "check"}),
        ("/redaction/try", {"text": text}),
        ("/people", {"entity": "PERSON", "values": text[:200]}),
        ("/alert-rules/save", {"body": text, "did": "try"}),
        (
            "/alert-rules/save",
            {"type": "threshold", "id": text[:60], "workflow": text[:60], "metric": text[:40], "did": "try"},
        ),
        ("/alert-rules/quick", {"workflow": text[:60], "usd": text[:20], "to": text[:30]}),
        ("/channels/save", {"name": text[:60], "kind": "webhook", "address": text[:100]}),
        ("/prices/set", {"name": text[:40], "model": text[:40], "usd_input": text[:20]}),
        ("/workflow-names/add", {"workflow": text[:60], "service": text[:60]}),
        ("/members/invite", {"role": "viewer", "name": text[:60]}),
        ("/keys/create", {"role": "viewer", "name": text[:60]}),
        ("/search", {"q": text[:300]}),
    ]


@pytest.mark.timeout(900)
def test_no_payload_comes_to_life_where_people_and_detectors_write(chromium: Browser, tmp_path: Path):
    """One of everything (findings, incidents, policies, notes, keys, prices, …), every route, and every form that answers with a page."""
    text = "\n".join(PAYLOADS)
    with a_listener() as listener:
        made = furnished(tmp_path, text=text, key=PAYLOADS[1], name=PAYLOADS[6], words=WORDS, fields=SHORT)
        with serving(made.house, chromium, listener) as site:
            page = site.page()
            found: dict[str, list[str]] = {}

            def inspect(what: str) -> None:
                for detail in page.query_selector_all("details"):
                    detail.evaluate("e => { e.open = true }")
                if alive := page.evaluate(INSPECT, FORBIDDEN):
                    found[what] = alive

            for path in html_pages(made):
                page.goto(path)
                inspect(path)
            for path, fields in forms(made, text) + [form for word in WORDS[::23] for form in forms(made, word)]:
                page.goto("/about")
                with page.expect_navigation():
                    page.evaluate(SUBMIT, [path, fields])
                inspect(f"POST {path}")
            file = tmp_path / "shared.html"
            file.write_text(made.house.browser().post(f"/runs/{made.runs[0]}/share").text, "utf-8")
            asked: list[str] = []
            page.on("request", lambda r: asked.append(r.url))
            page.goto(file.as_uri())
            inspect("the shared file")
            policy, proof = found.pop(
                "the shared file"
            )  # its own two: it forbids itself everything, and carries its proof
            assert policy == OWN_POLICY
            assert proof.startswith("A href=data:application/zip;base64,")
            assert asked == [file.as_uri()]
            answered = ("shared.html", "400 (Bad Request)", "404 (Not Found)")
            assert [p for p in site.problems if not any(word in p for word in answered)] == []
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


ALIVE = frozenset({"html_block", "html_inline", "image", "link_open", "fence", "code_block"})
"""What a Markdown text may not become: our own links apart, all of it is words."""


@pytest.mark.parametrize(
    "tool",
    [*WORDS[::24], IDEAS[-2], "a` <img src=x> `", "a](javascript:x) |", "https://evil.example/", "x www.evil.example"],
)
def test_no_payload_comes_to_life_in_the_files_of_incidents_and_of_the_week(tmp_path: Path, tool: str):
    name = "".join(c for c in tool if c.isprintable())
    fields = {**SHORT, "gen_ai.tool.name": tool, "gen_ai.tool.call.id": tool, "deployment.environment.name": tool}
    made = furnished(tmp_path, text="\n".join((tool, *PAYLOADS)), name=name, words=(f"{name[:50]} 1",), fields=fields)
    spans = refund_spans(3, text=f"={tool}", name=name, fields=fields, at_ns=NOW_NS - 10 * SECOND_NS)
    ran = [
        replace(s, status_code=StatusCode.OK, status_message="", events=()) if s.name.startswith("execute") else s
        for s in spans
    ]
    for span in ran:
        span.attributes.pop("error.type", None)
    fill(made.house.store, clean(ran))
    client = made.house.client(Role.VIEWER)
    table = client.get(f"/incidents/{made.incident}/writes.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "attachment" in table.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(table.text.lstrip("\ufeff"), newline="")))
    assert len(rows) >= 2, "the run that was not denied wrote"
    assert {len(row) for row in rows} == {9}
    assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "@", "\t", "\r"}]
    assert not set(table.text) & HIDDEN
    for path in (f"/incidents/{made.incident}/report.md", "/near-misses/week.md"):
        answer = client.get(path)
        assert answer.headers["content-type"].startswith("text/markdown")
        assert not set(answer.text) & HIDDEN, path
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(answer.text)
        inner = [token for one in tokens for token in (one, *(one.children or ()))]
        alive = [t for t in inner if t.type in ALIVE and not str(t.attrs.get("href", "")).startswith((BASE, "/"))]
        assert alive == [], path
        plain = re.sub(r"`[^`]*`|\]\([^)]*\)", "", answer.text).replace(BASE, "")
        assert not LINKED.search(plain), (path, "a reader would make a link of it")


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
