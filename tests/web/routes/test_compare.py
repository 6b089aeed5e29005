from __future__ import annotations

import html
import re

from spans.roles import Role
from tests.builders import NOW_NS, SECOND_NS
from tests.web.house import House
from tests.web.samples import add_refund


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ").split())


def test_two_runs_are_compared_with_the_first_difference_first(house: House):
    one = add_refund(house.store, 1, text="I want my money", at_ns=NOW_NS - 60 * SECOND_NS)
    two = add_refund(house.store, 2, text="I want my shoes")
    client = house.client(Role.VIEWER)
    page = client.get(f"/compare?run={two}&run={one}").text
    text = words(page)
    assert text.index("From the first step on: the system prompt differs at step 1.") < text.index("Every step")
    assert "<del>money</del>" in page
    assert "<ins>shoes</ins>" in page
    assert page.index(f"/runs/{one}") < page.index(f"/runs/{two}"), "the earlier run stands first"
    swapped = client.get(f"/compare?left={two}&right={one}").text
    assert "<del>shoes</del>" in swapped
    reads = [e.target for e in house.ledger.audit.list() if e.action == "content_read"]
    assert {one, two} <= set(reads)
    assert client.get(f"/api/v1/compare?left={one}&right={two}").json()["data"]["verdict"] == "diverged"


def test_the_same_again_is_said_to_be_the_same(house: House):
    one, two = (add_refund(house.store, n, at_ns=NOW_NS - n * SECOND_NS) for n in (1, 2))
    assert "The same: all 4 steps" in words(house.client(Role.VIEWER).get(f"/compare?left={one}&right={two}").text)


def test_a_run_is_compared_with_the_last_good_one_of_its_workflow(house: House):
    run = add_refund(house.store, 1)
    missing = house.client(Role.VIEWER).get(f"/runs/{run}/compare")
    assert missing.status_code == 404
    assert "No good run of refund-agent began before this one" in words(missing.text)


def test_a_comparison_needs_two_runs_that_the_caller_may_see(house: House):
    one, two = (add_refund(house.store, n) for n in (1, 2))
    client = house.client(Role.VIEWER)
    assert client.get("/compare").status_code == 400
    assert client.get(f"/compare?run={one}&run={two}&run={one}").status_code == 400
    assert "No good run" in client.get(f"/compare?run={one}").text
    assert client.get(f"/compare?left={one}&right={'0' * 32}").status_code == 404
    assert house.client(Role.VIEWER, project="other").get(f"/compare?left={one}&right={two}").status_code == 404
