"""Accessibility: axe-core finds nothing serious on any page, in light and in dark."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.browser.conftest import Site, a_listener, serving
from tests.web.furnished import furnished, html_pages
from tests.web.samples import add_refund

pytestmark = pytest.mark.browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
EMPTY = (
    "/?project=nothing-yet",
    "/runs?project=nothing-yet",
    "/spend?project=nothing-yet",
    "/drift?project=nothing-yet",
)
RULES = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  resultTypes: ["violations"],
}).then(found => found.violations.filter(v => ["serious", "critical"].includes(v.impact)).map(
  v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.any[0] || n.all[0] || n.none[0] || {}).message).join(" | ")))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_on_any_page(chromium: Browser, tmp_path: Path, scheme: str):
    """Every address of every route, in a house that has one of everything; a new route cannot be forgotten.

    Whatever folds is open, and every page is looked at wide in one theme and narrow in the other.
    """
    with a_listener() as listener:
        made = furnished(tmp_path, text="I want my money back")
        with serving(made.house, chromium, listener) as site:
            found: dict[str, list[str]] = {}
            page = site.page(color_scheme=scheme, bypass_csp=True)
            looked = 0
            for number, path in enumerate((*html_pages(made), *EMPTY, "/no-such-page")):
                is_wide = (number % 2 == 0) == (scheme == "light")
                page.set_viewport_size({"width": 1440 if is_wide else 390, "height": 900})
                page.goto(path)
                page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(e => { e.open = true })")
                page.evaluate(AXE)
                looked += 1
                if problems := page.evaluate(RULES):
                    found[path] = problems
            assert looked > 70
            assert [p for p in site.problems if "404" not in p] == []
    assert found == {}, "\n".join(f"{path}: {told}" for path, told in found.items())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_serious_in_the_file_that_is_shared(site: Site, tmp_path: Path, scheme: str, width: int):
    """The file stands alone: no stylesheet, no script and no page of ours around it."""
    run = add_refund(site.house.store, text="I want my money back")
    file = tmp_path / "shared.html"
    file.write_text(site.house.browser().post(f"/runs/{run}/share").text, "utf-8")
    page = site.page(signed_in=False, color_scheme=scheme, bypass_csp=True, viewport={"width": width, "height": 844})
    page.goto(file.as_uri())
    site.problems.clear()  # the file itself is not of the site
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    page.evaluate(AXE)
    assert page.evaluate(RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_serious_in_the_palette_and_the_list_of_keys(site: Site):
    page = site.page(bypass_csp=True)
    page.goto("/about")
    page.keyboard.press("Control+k")
    page.evaluate(AXE)
    assert page.evaluate(RULES) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.evaluate(RULES) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_serious_in_any_menu(site: Site, scheme: str, width: int):
    """The menus of the header, of the phone's bar and of a list, each opened as a person does."""
    run = add_refund(site.house.store, text="I want my money back")
    page = site.page(color_scheme=scheme, bypass_csp=True, viewport={"width": width, "height": 844})
    opened = 0
    for path in ("/", "/runs", f"/runs/{run}"):
        page.goto(path)
        page.evaluate(AXE)
        menus = page.locator("details.menu > summary")
        for number in range(menus.count()):
            menu = menus.nth(number)
            if menu.is_visible():
                menu.click()
                opened += 1
                # what an open menu lies over is no target meanwhile
                found = page.evaluate(RULES.replace("axe.run(document", 'axe.run({include: ["details.menu[open]"]}'))
                assert found == [], (path, menu.inner_text())
                page.keyboard.press("Escape")
    assert opened >= 6
