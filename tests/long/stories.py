"""The three stories that the pages are made for, clicked through with the demo on a real server, counted and timed.

    pytest tests/long/stories.py -s --timeout 0

Prints for each story the clicks and the seconds from the first address to the answer, the browser's and the server's time
included; a person reads in between. Fails when a story cannot be followed, or takes more clicks than it says here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.tracetape.running import Running, wait_for

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1440, "height": 900}}
PATIENCE_MS = 60_000
INCIDENTS = "/api/v1/incidents"


@dataclass(frozen=True)
class Served:
    """A server with the demo, and the incident that an alert would link to."""

    running: Running
    incident: str


class Reader:
    """Follows links, and counts what it clicks and how long the pages took."""

    def __init__(self, context: BrowserContext, story: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.story, self.clicks, self.seconds = story, 0, 0.0
        self.faults: list[str] = []
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))

    def open(self, path: str) -> None:
        began = time.monotonic()
        self.page.goto(path)
        self.seconds += time.monotonic() - began

    def click(self, link: Locator) -> None:
        """Click something that leads to another page."""
        began = time.monotonic()
        with self.page.expect_navigation():
            link.click()
        self.clicks += 1
        self.seconds += time.monotonic() - began

    def tell(self, most: int) -> None:
        print(f"\n{self.story}: {self.clicks} clicks, {self.seconds:.1f} s of pages")  # noqa: T201
        assert self.faults == []
        assert self.clicks <= most


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the demo in it, judged: a rule has fired and a refund is sealed."""
    with Running(tmp_path_factory.mktemp("stories") / "data", "--workers", "1", start_s=900) as running:
        running.cli("demo")
        key = running.cli("keys", "create", "--role", "viewer", "--name", "stories", "--project", "demo")
        running.settle(900)
        wait_for(lambda: dear_run(asked(running, key, INCIDENTS)), 900, "the incident of the run that cost too much")
        wait_for(lambda: sealed(running, key), 900, "the seal of a refund")
        served = Served(running, dear_run(asked(running, key, INCIDENTS)))
        yield served


def asked(running: Running, key: str, path: str) -> Any:
    time.sleep(1)
    return running.api_with(key, path)["data"]


def dear_run(incidents: list[dict[str, str]]) -> str:
    """The incident of the analyst that asked its database again and again; empty while there is none."""
    return next((i["incident_id"] for i in incidents if i["workflow"] == "sql-analyst"), "")


def sealed(running: Running, key: str) -> bool:
    """Whether every refund that a reader may click has a proof: sealing goes from run to run, a minute after the last arrived."""
    runs = asked(running, key, "/api/v1/runs?workflow=refund-agent&since=14d&limit=20")
    verdicts = [running.api_with(key, f"/api/v1/runs/{run['run_id']}/proof")["data"]["verdict"] for run in runs]
    return set(verdicts) == {"intact"}


@pytest.fixture
def reader(served: Served, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Reader]:
    options, story = request.param
    context = chromium.new_context(base_url=served.running.web, timezone_id="Europe/Berlin", locale="en-GB", **options)
    key = served.running.cli("keys", "create", "--role", "admin", "--name", "reader", "--project", "demo")
    answer = context.request.post(
        "/sign-in", form={"key": key}, headers={"origin": served.running.web}, max_redirects=0
    )
    assert answer.status == 303
    yield Reader(context, story)
    context.close()


@pytest.mark.parametrize("reader", [(PHONE, "On call, with a phone")], indirect=True)
def test_from_an_alert_link_to_the_first_bad_run_and_its_comparison(served: Served, reader: Reader):
    page = reader.page
    reader.open(f"/incidents/{served.incident}")
    expect(page.get_by_text("Still happening?")).to_be_in_viewport()
    expect(page.get_by_role("heading", name=re.compile("^sql-analyst"))).to_be_in_viewport()
    reader.click(page.get_by_role("link", name="Replay", exact=True))
    expect(page.get_by_text("Nothing is executed.")).to_be_visible()
    reader.click(page.get_by_role("link", name=re.compile("Compare with the last good run")))
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    expect(page.locator(".parted")).to_be_in_viewport()  # the first difference, on the first screen
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    reader.tell(most=2)


@pytest.mark.parametrize("reader", [(DESK, "The owner, from Overview to the version")], indirect=True)
def test_from_overview_to_the_version_that_made_it_dearer(reader: Reader):
    page = reader.page
    reader.open("/")
    row = page.locator("table.fleet tr", has_text="onboarding-assistant").filter(has_text="production")
    reader.click(row.get_by_role("link", name="onboarding-assistant").first)
    reader.click(page.get_by_role("link", name="Versions", exact=True))
    expect(page.get_by_text("Only version 2.4.1 ran in the last 24 hours.")).to_be_visible()
    reader.click(page.get_by_role("link", name="Look at 14 days"))
    expect(
        page.get_by_text(re.compile(r"Version 2\.4\.1 .*costs \$\d.* per success, more than the \$\d.* of 2\.4\.0"))
    ).to_be_in_viewport()
    reader.tell(most=3)


@pytest.mark.parametrize("reader", [(DESK, "The reviewer, from tools to a proof")], indirect=True)
def test_from_what_can_this_agent_call_to_the_proof_of_one_refund(reader: Reader):
    page = reader.page
    reader.open("/workflows/refund-agent?range=14d")
    reader.click(page.get_by_role("link", name="Tools", exact=True))
    tools = page.locator("table[data-csv=tools] tbody tr")
    expect(tools).to_have_count(3)
    refund = tools.filter(has_text="issue_refund")
    expect(refund).to_contain_text("irreversible")
    reader.click(refund.get_by_role("link", name="issue_refund"))
    expect(page.get_by_text("called tool issue_refund")).to_be_visible()
    good = page.locator("#list tbody tr").filter(has_text="go back to").nth(3)
    reader.click(good.get_by_role("link").first)
    expect(page.locator(".wf").get_by_text("issue_refund").first).to_be_visible()
    reader.click(page.get_by_role("link", name="proof", exact=True))
    expect(page.get_by_text(re.compile("intact", re.IGNORECASE)).first).to_be_visible()
    reader.tell(most=4)
