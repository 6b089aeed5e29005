"""Every filter of the list of runs, in a real browser: chosen in the form, read as a sentence, found again after back and reload."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from spans.facts import Decision
from spans.kinds import OutcomeLabel, RunMode, RunStatus, SpanKind, ToolOutcome, Verdict
from spans.run import Outcome
from tests.builders import NOW_NS, SECOND_NS, a_step, an_assembly
from tests.web.browser.conftest import Site
from web.filters import CHOICE_NAMES, TEXT_NAMES

pytestmark = pytest.mark.browser

MINE, OTHER = "the one that is meant", "another one"
LOOKED_FOR = {
    "workflow": "refunds-of-march",
    "version": "2026.3",
    "agent": "clerk",
    "service": "back-office",
    "session": "s-77",
    "user": "u-77",
    "model": "claude-sonnet-4-5",
    "tool": "execute_refund",
    "tag": "urgent",
    "attr.tenant": "acme",
    "status": "error",
    "outcome": "failure",
    "denied": "1",
    "waiting": "1",
    "mode": "shadow",
    "min_cost": "2.5",
}
"""Name of every field of the form → a value that only one of two runs has."""

SAID = {
    **LOOKED_FOR, "denied": "had a denial", "waiting": "waits for somebody", "min_cost": "2.5",
    "session": "s-77",
}  # fmt: skip
"""What the sentence says of it."""
ELSEWHERE = frozenset(
    {"shape", "q", "order", "cursor", "limit", "environment", "since", "until", "range", "project", "group"}
)
"""Parameters that have their place outside the form: chips, search, header, columns."""
KNOWN = (*TEXT_NAMES, *CHOICE_NAMES, "min_cost")


@pytest.fixture
def two_runs(site: Site) -> Site:
    call = a_step(
        kind=SpanKind.TOOL,
        tool_name="execute_refund",
        tool_outcome=ToolOutcome.DENIED,
        decisions=(Decision(Verdict.DENY, rule="limit"),),
    )
    mine = an_assembly(
        call,
        run_id="a" * 32, workflow="refunds-of-march", workflow_version="2026.3", agents=("clerk",), service="back-office",
        session_id="s-77", user_id="u-77", models=("claude-sonnet-4-5",), tools=("execute_refund",), tags=("urgent",),
        attributes={"tenant": "acme"}, status=RunStatus.ERROR, outcome=Outcome(OutcomeLabel.FAILURE), denials=1,
        waiting_for="approval", mode=RunMode.SHADOW, cost_usd=Decimal(3), input_preview=MINE, name=MINE,
        started_ns=NOW_NS - 60 * SECOND_NS,
    )  # fmt: skip
    other = an_assembly(
        run_id="b" * 32, attributes={"tenant": "umbrella"}, input_preview=OTHER, name=OTHER, environment="staging",
        session_id="s-1", user_id="u-1", tags=("calm",), started_ns=NOW_NS - 120 * SECOND_NS,
    )  # fmt: skip
    site.house.store.write_derived([mine, other])
    return site


def opened(page: Page) -> None:
    page.goto("/runs")
    page.get_by_text("Filter by workflow").click()
    expect(page.locator("form.facets button")).to_be_visible()


def only_mine(page: Page) -> None:
    expect(page.locator("#list")).to_contain_text(MINE)
    expect(page.locator("#list")).not_to_contain_text(OTHER)


def test_every_field_of_the_form_narrows_the_list_and_survives_back_forward_and_reload(two_runs: Site):
    page = two_runs.page()
    opened(page)
    fields = page.locator("form.facets [name]").evaluate_all("all => all.map(one => one.name)")
    assert sorted(fields) == sorted(LOOKED_FOR)
    ours = {name for name in KNOWN if name not in ELSEWHERE}
    assert ours <= set(fields)  # a new filter needs a field in the form and a case here
    for name in fields:
        opened(page)
        expect(page.locator("#list")).to_contain_text(OTHER)
        field = page.locator(f'form.facets [name="{name}"]')
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(LOOKED_FOR[name])
        else:
            field.fill(LOOKED_FOR[name])
        page.get_by_role("button", name="Apply").click()
        expect(page).to_have_url(re.compile(re.escape(f"{name}={LOOKED_FOR[name]}")))
        only_mine(page)
        expect(page.locator("#sentence")).to_contain_text(SAID[name])
        chosen = page.url
        page.reload()
        only_mine(page)
        page.go_back()
        expect(page.locator("#list")).to_contain_text(OTHER)
        page.go_forward()
        expect(page).to_have_url(chosen)
        only_mine(page)
    assert two_runs.problems == []


def test_filters_add_up_and_each_is_taken_away_by_its_own_button(two_runs: Site):
    page = two_runs.page()
    page.goto("/runs?tool=execute_refund&tag=urgent&user=u-77")
    only_mine(page)
    for name in ("tool", "tag", "user"):
        assert name in page.url
        page.locator(f'main a[aria-label*="Remove"][href]:not([href*="{name}="])').first.click()
        expect(page).not_to_have_url(re.compile(f"[?&]{name}="))
    expect(page.locator("#list")).to_contain_text(OTHER)


def test_the_form_works_without_a_script(two_runs: Site):
    page = two_runs.page(java_script_enabled=False)
    for name in ("workflow", "denied", "min_cost"):
        page.goto("/runs")
        page.get_by_text("Filter by workflow").click()
        page.get_by_role("link", name="Filter by field").click()
        field = page.locator(f'form.facets [name="{name}"]')
        if name == "min_cost":
            field.fill(LOOKED_FOR[name])
        else:
            field.select_option(LOOKED_FOR[name])
        page.get_by_role("button", name="Apply").click()
        expect(page.locator("main")).to_contain_text(MINE)
        expect(page.locator("main")).not_to_contain_text(OTHER)
