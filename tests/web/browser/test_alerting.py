"""From "tell me when …" to the incident on somebody else's phone, clicked through by a person who never saw the product."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from spans.finding import FindingKind
from spans.roles import Role
from tests.builders import a_finding, a_trace_id, an_assembly
from tests.web.browser.conftest import Site
from tracetape.alerting.driver import AlertDriver

pytestmark = pytest.mark.browser

SECOND = 10**9
HOUR = 3_600 * SECOND


class Person:
    """Counts what a person does: every click, choice and field typed into."""

    def __init__(self, page):
        self.page, self.acts = page, 0

    def click(self, locator):
        self.acts += 1
        locator.click()

    def choose(self, name, value):
        self.acts += 1
        self.page.locator(f".quick [name={name}]").select_option(value)

    def type(self, name, text):
        self.acts += 1
        self.page.locator(f".quick [name={name}]").fill(text)


def spend(site: Site, usd: str, n: int) -> str:
    now = site.house.services.clock_ns()
    run = {"run_id": a_trace_id(900 + n), "workflow": "refund-agent", "environment": "production"}
    site.house.store.write_derived([an_assembly(**run, cost_usd=Decimal(usd), started_ns=now - HOUR)])
    site.house.store.roll_up()
    return run["run_id"]


def test_a_newcomer_is_told_about_spend_and_drift_and_a_colleague_opens_it_on_a_phone(site: Site):
    ledger = site.house.ledger
    ledger.channels.put("default", "team", "webhook", "https://example.com/hook", "ticket")
    spend(site, "1.00", 0)
    person = Person(site.page())
    page = person.page
    page.goto("/")
    person.click(page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Alert rules"))
    person.choose("workflow", "refund-agent")
    person.type("usd", "50")
    person.click(page.get_by_label("or behaves differently"))
    person.choose("to", "team")
    person.click(page.get_by_role("button", name="Save"))
    expect(page.get_by_text("spend of refund-agent above $50.00 in 1 day")).to_be_visible()
    expect(page.get_by_text("refund-agent: it behaves differently")).to_be_visible()
    assert person.acts <= 8

    bad = spend(site, "60.00", 1)
    now = site.house.services.clock_ns
    driver = AlertDriver(site.house.store, ledger, clock_ns=lambda: now() + 300 * SECOND)
    drift = a_finding(kind=FindingKind.DRIFT, project="default", workflow="refund-agent", environment="production")
    ledger.findings.record([replace(drift, summary="refund-agent changed on Tuesday.")], now(), HOUR)
    driver.look()
    assert {m.rule_id for m in ledger.outbox.list("default")} == {"spend-refund-agent", "drift-refund-agent"}
    (incident,) = ledger.incidents.list("default")

    phone = site.page(role=Role.VIEWER, viewport={"width": 390, "height": 844}, has_touch=True)
    phone.goto(f"/incidents/{incident.incident_id}")
    expect(phone.get_by_text("Still happening?")).to_be_in_viewport()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("link", name="All runs since").click()
    expect(phone.locator(f'a[href*="{bad}"]').first).to_be_visible()
    assert site.problems == []


def test_every_page_of_alerting_loads_without_a_complaint(site: Site):
    page = site.page(color_scheme="dark")
    for path in ("/incidents", "/alert-rules", "/alert-rules/new", "/channels"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    page.goto("/alert-rules")
    page.get_by_role("button", name="Add the starter rules").click()
    page.get_by_role("link", name="any workflow: a write happened twice").click()
    expect(page.get_by_role("textbox", name="YAML")).to_contain_text("duplicate_write")
    assert site.problems == []
