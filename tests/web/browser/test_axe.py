"""Accessibility: axe-core finds nothing serious on any page, in light and in dark."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tests.builders import a_span_id
from tests.web.browser.conftest import Site
from tests.web.house import House, every_page
from tests.web.samples import add_refund

pytestmark = pytest.mark.browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
  resultTypes: ["violations"],
}).then(found => found.violations.filter(v => ["serious", "critical"].includes(v.impact)).map(
  v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.any[0] || n.all[0] || n.none[0] || {}).message).join(" | ")))"""


def pages(house: House) -> list[str]:
    one, two = (add_refund(house.store, n, text="I want my money back") for n in (1, 2))
    return [
        *every_page(house),
        f"/runs/{one}",
        f"/runs/{one}?span={a_span_id(102)}",
        f"/runs/{one}/conversation",
        f"/compare?left={one}&right={two}",
        "/runs?workflow=nothing-has-this-name",
        "/runs?group=workflow",
        "/no-such-page",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_on_any_page(site: Site, scheme: str):
    found: dict[str, list[str]] = {}
    page = site.page(color_scheme=scheme, bypass_csp=True)
    for path in pages(site.house):
        page.goto(path)
        page.evaluate(AXE)
        if problems := page.evaluate(RULES):
            found[path] = problems
    site.problems[:] = [p for p in site.problems if "404" not in p]
    assert found == {}


def test_nothing_serious_in_the_palette_and_the_list_of_keys(site: Site):
    page = site.page(bypass_csp=True)
    page.goto("/about")
    page.keyboard.press("Control+k")
    page.evaluate(AXE)
    assert page.evaluate(RULES) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.evaluate(RULES) == []
