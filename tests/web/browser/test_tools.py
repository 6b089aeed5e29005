"""The tools around every page: palette, keys, tables that sort and download, choosing runs, the icon that counts."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.builders import NOW_NS, SECOND_NS
from tests.web.browser.conftest import Site
from tests.web.samples import add_refund

pytestmark = pytest.mark.browser


def test_the_palette_finds_pages_by_the_words_people_use(site: Site):
    page = site.page()
    page.goto("/about")
    for typed, path in (("traces", "/runs"), ("agents", "/workflows"), ("tokens sec", "/keys")):
        page.keyboard.press("Control+k")
        expect(page.locator("#palette-q")).to_be_focused()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"{path}$"))
    page.keyboard.press("Control+k")
    page.keyboard.type("maria@example.com")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=%3CEMAIL_ADDRESS_tapkmj7f%3E"))


def test_the_palette_tells_a_screen_reader_which_line_is_chosen(site: Site):
    page = site.page()
    page.goto("/about")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Page, trace id or text")
    expect(field).to_be_focused()
    options = page.get_by_role("listbox", name="Pages").get_by_role("option")
    chosen = page.get_by_role("option", selected=True)

    def told() -> str:
        expect(chosen).to_have_count(1)
        assert chosen.get_attribute("id") == field.get_attribute("aria-activedescendant")
        return chosen.text_content()

    first = told()
    page.keyboard.press("ArrowDown")
    second = told()
    assert second != first
    assert options.nth(1).text_content() == second
    page.keyboard.press("ArrowUp")
    assert told() == first
    page.keyboard.type("tokens sec")
    expect(options).to_have_count(2)
    assert "keys" in told().lower()
    page.keyboard.type(" nothing is called so")
    expect(options).to_have_count(1)
    assert "Search runs" in told()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    assert told() == first


def test_single_letter_keys_can_be_switched_off(site: Site):
    add_refund(site.house.store)
    page = site.page()
    page.goto("/runs")
    page.keyboard.press("?")
    page.get_by_label("Single-letter keys work").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") != "q"
    page.reload()
    page.keyboard.press("j")
    assert not page.evaluate("document.activeElement.matches('.runs .title a')")


def test_a_table_sorts_by_address_and_downloads_what_it_shows(site: Site, tmp_path: Path):
    for n, name in enumerate(("=beta", "alpha", "gamma"), 1):
        for m in range(n):
            add_refund(site.house.store, n * 10 + m, name=name, at_ns=NOW_NS - n * SECOND_NS)
    page = site.page()
    page.goto("/workflows")
    names = page.locator("table[data-csv=workflows] tbody b")
    page.get_by_role("button", name="Runs", exact=True).click()
    expect(names).to_have_text(["gamma", "alpha", "=beta"])
    page.reload()
    expect(names).to_have_text(["gamma", "alpha", "=beta"])
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").first.click()
    waiting.value.save_as(tmp_path / "w.csv")
    with (tmp_path / "w.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0].split(" ")[0] for row in rows[1:]] == ["gamma", "alpha", "'=beta"]
    assert len({len(row) for row in rows}) == 1


def test_two_chosen_runs_are_compared(site: Site):
    for n in (1, 2, 3):
        add_refund(site.house.store, n, at_ns=NOW_NS - n * SECOND_NS)
    page = site.page()
    page.goto("/runs")
    page.locator(".choose").nth(0).check()
    page.locator(".choose").nth(2).check()
    page.get_by_role("button", name="Compare two").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(page.get_by_text("The same: all")).to_be_visible()


SAID = """() => new MutationObserver(() => {
  const told = document.querySelector('.underway[data-live]');
  if (told) sessionStorage.said = (sessionStorage.said || '') + told.textContent + '|';
}).observe(document.body, { childList: true, subtree: true }) || null"""
"""While a page is on its way nothing can be asked of the old one, so that writes down what it said."""


def test_a_page_that_takes_long_says_for_how_long(site: Site):
    add_refund(site.house.store)
    page = site.page()
    page.goto("/about")
    page.evaluate(SAID)
    page.route("**/workflows", lambda route: (time.sleep(3), route.continue_()))
    page.get_by_role("link", name="Workflows").first.click()
    expect(page).to_have_url(re.compile("/workflows$"))
    said = page.evaluate("sessionStorage.said")
    assert said.startswith("On its way: 1 s|")
    assert "On its way: 2 s|" in said
    expect(page.locator(".underway[data-live]")).to_have_count(0)


def test_the_icon_shows_how_many_incidents_fire(site: Site):
    page = site.page()
    page.goto("/about")
    assert "icon.svg" in page.locator("link[rel=icon]").get_attribute("href")
    answer = page.request.get("/icon/7.svg")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert ">7</text>" in answer.text()
    assert page.request.get("/icon/0.svg").status == 404


def dragged(page, box: dict[str, float], low: float, high: float) -> None:
    """Press, move and let go over a share of a box's width."""
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * low, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (low + high) / 2, middle, steps=4)
    page.mouse.move(box["x"] + box["width"] * high, middle, steps=4)
    page.mouse.up()


def test_dragging_over_a_chart_narrows_the_page_to_its_time(site: Site):
    for n in range(1, 5):
        add_refund(site.house.store, n, at_ns=NOW_NS - n * 3600 * SECOND_NS)
    page = site.page(timezone_id="Asia/Tokyo")
    page.goto("/runs?workflow=refund-agent")
    dragged(page, page.locator(".hist").bounding_box(), 0.5, 0.99)
    expect(page).to_have_url(re.compile(r"workflow=refund-agent.*since=2026-11-20T0[01].*until="))
    expect(page.locator("#list tbody tr")).to_have_count(4)
    page.goto("/")
    plot = page.locator(".plot .nsewdrag").first
    expect(plot).to_be_attached()
    dragged(page, plot.bounding_box(), 0.5, 0.95)
    expect(page).to_have_url(re.compile(r"since=2026-11-19T23.*&until=2026-11-20T10"))
