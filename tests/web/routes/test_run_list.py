from __future__ import annotations

import csv
import html
import io
import re

from spans.roles import Role
from spans.run import Assembly
from store.api import RunQuery
from store.ledger.pins import PinReason
from tests.builders import NOW_NS, SECOND_NS, a_run, a_trace_id
from tests.web.house import House
from tests.web.samples import add_refund
from web.format import NBSP, NONE, money, tokens

HERE = {"sec-fetch-site": "same-origin"}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_the_download_holds_exactly_the_rows_of_the_page(house: House):
    for n in range(1, 7):
        add_refund(house.store, n, at_ns=NOW_NS - n * SECOND_NS, name="refund-agent" if n % 2 else "other")
    client = house.client(Role.VIEWER)
    page = client.get("/runs?workflow=refund-agent&limit=2").text
    shown = re.findall(r'<tr id="r-([0-9a-f]{32})"', page)
    href = re.search(r'href="(/runs/export[^"]*)" download>CSV', page)[1].replace("&amp;", "&")
    found = client.get(href)
    assert found.headers["content-disposition"] == 'attachment; filename="runs.csv"'
    assert [r["run_id"] for r in rows_of(found.text)] == shown
    older = re.search(r'href="(/runs[^"]*cursor=[^"]*)">Older', page)[1].replace("&amp;", "&")
    second = client.get(older).text
    href = re.search(r'href="(/runs/export[^"]*)" download>JSON', second)[1].replace("&amp;", "&")
    assert [r["run_id"] for r in client.get(href).json()["data"]] == re.findall(r'<tr id="r-([0-9a-f]{32})"', second)
    assert {e.action for e in house.ledger.audit.list()} >= {"export"}


def test_the_whole_list_is_ordered_by_its_heads_page_after_page(house: House):
    for n in range(1, 6):
        add_refund(house.store, n, at_ns=NOW_NS - n * SECOND_NS)
    client = house.client(Role.VIEWER)
    page = client.get("/runs?limit=3").text
    newest = re.findall(r'<tr id="r-([0-9a-f]{32})"', page)
    first = client.get(re.search(r'<a class="sort" href="([^"]*)">Time', page)[1].replace("&amp;", "&") + "&limit=3")
    assert 'aria-sort="ascending"' in first.text
    assert "Oldest first" in first.text
    assert "hx-get" not in first.text.split('id="list"')[1]
    older = re.search(r'href="(/runs[^"]*cursor=[^"]*)">Older', first.text)[1].replace("&amp;", "&")
    second = client.get(older)
    rows = [r for text in (first.text, second.text) for r in re.findall(r'<tr id="r-([0-9a-f]{32})"', text)]
    assert len(set(rows)) == 5
    assert rows[-1] == newest[0]
    listed = client.get("/api/v1/runs?order=oldest&limit=100").json()["data"]
    assert [r["run_id"] for r in listed] == rows
    assert client.get("/runs?order=colour").status_code == 400


def test_chosen_runs_are_downloaded_and_formulas_are_quoted(house: House):
    one, two = (add_refund(house.store, n, text='=HYPERLINK("http://evil.example")') for n in (1, 2))
    add_refund(house.store, 3)
    found = rows_of(house.client(Role.VIEWER).get(f"/runs/export?run={one}&run={two}").text)
    assert [r["run_id"] for r in found] == [one, two]
    assert all(r["user_id"].startswith("'=HYPERLINK") for r in found)
    assert house.client(Role.VIEWER).get("/runs/export?format=xlsx").status_code == 400
    assert house.client(Role.VIEWER, project="elsewhere").get(f"/runs/export?run={one}").status_code == 404


def test_a_view_is_saved_redacted_opened_and_removed(house: House):
    add_refund(house.store)
    browser = house.browser(Role.VIEWER)
    saved = browser.post(
        "/runs/views?workflow=refund-agent&q=maria@example.com&range=7d", data={"name": "Ours", "shared": "1"}
    )
    assert saved.headers["location"].startswith("/runs?range=7d&workflow=refund-agent")
    assert "maria" not in saved.headers["location"]
    (view,) = house.ledger.views.list("default", "runs", "somebody else")
    assert "maria" not in view.query
    page = browser.get("/runs").text
    href = re.search(r'class="viewline"><a href="([^"]*)"', page)[1].replace("&amp;", "&")
    assert "workflow is refund-agent" in browser.get(href).text
    other = house.client(Role.VIEWER)
    assert other.post("/runs/views/remove", data={"view_id": view.view_id}).status_code == 404
    assert browser.post("/runs/views/remove", data={"view_id": view.view_id}).status_code == 303
    assert house.ledger.views.list("default", "runs", "x") == ()


def test_runs_are_grouped_by_real_values(house: House):
    for n in range(1, 4):
        add_refund(house.store, n, name="refund-agent" if n < 3 else "other", text=f"person {n % 2}")
    client = house.client(Role.VIEWER)
    page = client.get("/runs?group=workflow").text
    assert re.search(r'href="/runs\?workflow=refund-agent"><b>refund-agent</b>', page)
    assert page.count('class="door"') == 2
    assert client.get("/runs?group=user&workflow=other").text.count('class="door"') == 1
    assert client.get("/runs?group=colour").status_code == 400
    assert client.get("/runs?group=user&by=colour").status_code == 400


def test_a_group_says_what_its_runs_came_to_and_opens_them(house: House):
    for n in range(1, 4):
        add_refund(house.store, n, name="refund-agent" if n < 3 else "other")
    client = house.client(Role.VIEWER)

    def words(cell: str) -> str:
        return html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()

    def cells(address: str) -> list[list[str]]:
        rows = re.findall(r"<tr>\s*<td.*?</tr>", client.get(address).text, re.DOTALL)
        return [[words(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]

    first, second = cells("/runs?group=workflow")
    assert (first[0], first[1], second[0], second[1]) == ("refund-agent", "2", "other", "1")
    whole = house.store.totals(RunQuery("default", workflow="refund-agent"))
    assert first[3:7] == [money(whole.cost_usd), NONE, tokens(whole.input_tokens + whole.output_tokens), "2"]
    assert [row[0] for row in cells("/runs?group=workflow&by=runs_up")] == ["other", "refund-agent"]
    page = html.unescape(client.get("/runs?group=workflow&by=denials&tool=execute_refund").text)
    assert "<summary>Most denials first</summary>" in page
    assert '<a href="/runs?tool=execute_refund&group=workflow&by=success_up">Lowest success rate first</a>' in page
    assert (
        '<th class="num" aria-sort="descending"><a class="sort" href="/runs?tool=execute_refund&group=workflow&by=denials_up">'
        in page
    )
    assert 'href="/runs?tool=execute_refund&workflow=refund-agent&denied=1"' in page
    assert '<a class="door" href="/runs?tool=execute_refund&workflow=refund-agent">' in page


def test_a_reviewer_pins_and_unpins_and_a_viewer_does_not(house: House):
    run = add_refund(house.store)
    reviewer = house.browser(Role.REVIEWER)
    assert reviewer.post("/runs/pin", data={"run": run, "note": "for maria@example.com"}).status_code == 303
    (pin,) = house.ledger.pins.list("default")
    assert (pin.run_id, pin.note) == (run, "for <EMAIL_ADDRESS_tapkmj7f>")
    assert ">Unpin<" in reviewer.get(f"/runs/{run}").text
    assert house.browser(Role.VIEWER).post("/runs/pin", data={"run": run}).status_code == 403
    assert reviewer.post("/runs/pin", data={"run": run, "lift": "1"}).status_code == 303
    assert house.ledger.pins.list("default") == ()


def test_pinning_some_runs_of_a_list_comes_back_to_that_list_and_says_so(house: House):
    runs = [add_refund(house.store, n, at_ns=NOW_NS - n * SECOND_NS) for n in range(1, 5)]
    reviewer = house.browser(Role.REVIEWER)
    page = reviewer.get("/runs?workflow=refund-agent&order=oldest&limit=2").text
    older = html.unescape(re.search(r'href="(/runs[^"]*cursor=[^"]*)">Older', page)[1])
    second = reviewer.get(older).text
    action = html.unescape(re.search(r'formaction="(/runs/pin[^"]*)"', second)[1])
    answer = reviewer.post(action, data={"run": runs[:2]})
    assert answer.status_code == 303
    back = reviewer.get(answer.headers["location"]).text
    assert f"2{NBSP}runs pinned" in back
    assert re.findall(r'<tr id="r-([0-9a-f]{32})"', back) == re.findall(r'<tr id="r-([0-9a-f]{32})"', second)
    assert "pinned=" not in back
    evil = reviewer.post("/runs/pin?back=https://evil.example/", data={"run": runs[0]})
    assert evil.headers["location"] == "/"


def test_some_runs_of_a_list_are_unpinned_and_those_that_were_not_pinned_are_passed_over(house: House):
    runs = [add_refund(house.store, n, at_ns=NOW_NS - n * SECOND_NS) for n in range(1, 5)]
    reviewer = house.browser(Role.REVIEWER)
    page = reviewer.get("/runs?workflow=refund-agent").text
    action = html.unescape(re.search(r'formaction="(/runs/pin[^"]*)" name="lift" value="1">Unpin<', page)[1])
    reviewer.post(action, data={"run": runs[:3]})
    house.ledger.pins.add("default", runs[0], PinReason.INCIDENT, by="")
    answer = reviewer.post(action, data={"run": runs[1:], "lift": "1"})
    assert f"2{NBSP}runs unpinned" in reviewer.get(answer.headers["location"]).text
    assert {(p.run_id, p.reason) for p in house.ledger.pins.list("default")} == {
        (runs[0], PinReason.PERSON),
        (runs[0], PinReason.INCIDENT),
    }
    answer = reviewer.post(action, data={"run": runs[3:], "lift": "1"})
    assert "None of these runs was pinned" in reviewer.get(answer.headers["location"]).text
    assert house.browser(Role.VIEWER).post(action, data={"run": runs[0], "lift": "1"}).status_code == 403


def test_a_field_with_many_values_takes_any_text_and_suggests_the_most_frequent(house: House):
    for n in range(1, 33):
        add_refund(house.store, n, name=f"agent-{n}", text="one person")
    form = house.client(Role.VIEWER).get("/runs/facets").text
    assert re.search(r'<input class="in" name="workflow" list="facet-1"', form)
    assert form.count('<option value="agent-') >= 30
    assert re.search(r'<select class="in" name="user">', form)
    chosen = house.client(Role.VIEWER).get("/runs/facets?waiting=0&mode=live").text
    assert '<option value="0" selected>for nobody' in chosen
    assert '<option value="live" selected>live' in chosen
    assert 'action="/runs/filter"' in chosen


def test_runs_are_filtered_by_the_attributes_they_carry(house: House):
    for n, tenant in enumerate(("acme", "acme", "o'neill & co"), 1):
        run = a_run(run_id=a_trace_id(n), attributes={"app.tenant": tenant}, started_ns=NOW_NS - n * SECOND_NS)
        house.store.write_derived([Assembly(run, ())])
    client = house.client(Role.VIEWER)
    form = html.unescape(client.get("/runs/facets").text)
    assert re.search(r'<label>app.tenant<select class="in" name="attr.app.tenant"><option value="">any', form)
    assert '<option value="acme">acme (2)</option>' in form
    assert """<option value="o'neill & co">""" in form
    chosen = client.get("/runs/facets?attr.app.tenant=acme&attr.gone=x").text
    assert '<option value="acme" selected>' in chosen
    assert (
        '<label>gone<select class="in" name="attr.gone"><option value="">any</option><option value="x" selected>'
        in chosen
    )
    assert 'action="/runs/filter"' in chosen
    assert client.get("/runs?attr.app.tenant=acme").text.count('<tr id="r-') == 2


def test_a_search_inside_a_list_keeps_its_filters(house: House):
    add_refund(house.store)
    client = house.client(Role.VIEWER)
    found = client.post("/search?workflow=refund-agent", data={"q": "maria@example.com"})
    assert found.headers["location"] == "/runs?shape=any&workflow=refund-agent&q=%3CEMAIL_ADDRESS_tapkmj7f%3E"
