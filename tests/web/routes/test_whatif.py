from __future__ import annotations

import pytest

from spans.roles import Role
from tests.builders import NOW_NS, SECOND_NS
from tests.web.samples import add_refund

POLICY = 'workflow_id: "*"\nallowed_tools: []\n'


@pytest.fixture
def pair(house):
    left = add_refund(house.store, 1, at_ns=NOW_NS - 120 * SECOND_NS)
    return left, add_refund(house.store, 2, text="Something else", at_ns=NOW_NS - 60 * SECOND_NS)


def test_what_if_tells_what_changes_and_links_the_runs(house, pair):
    told = house.client(Role.VIEWER).post("/api/v1/whatif/policy", content=POLICY).json()["data"]
    assert told["runs"] == 2
    assert [g["change"] for g in told["groups"]] == ["unchanged"]
    page = house.browser(Role.VIEWER).post("/whatif", data={"policy": POLICY}).text
    assert "No call of 2 runs would have been newly denied." in page


def test_changes_are_told_by_tool_rule_and_shape_of_arguments(house, pair):
    policy = 'workflow_id: "*"\nallowed_tools: [execute_refund]\n'
    groups = house.client(Role.VIEWER).post("/api/v1/whatif/policy", content=policy).json()["data"]["groups"]
    (changed,) = [g for g in groups if g["change"] == "newly_allowed"]
    assert (changed["tool"], changed["calls"], changed["runs"]) == ("execute_refund", 2, 2)
    assert "amount number" in changed["arguments_shape"]
    page = house.browser(Role.VIEWER).post("/whatif", data={"policy": policy}).text
    assert changed["arguments_shape"] in page


def test_a_policy_that_cannot_be_read_is_told_with_its_line(house):
    answer = house.browser(Role.VIEWER).post("/whatif", data={"policy": "workflow_id: x\nallow: [y]\n"})
    assert answer.status_code == 400
    assert "allow" in answer.text
    assert house.client(Role.VIEWER).post("/api/v1/whatif/policy", content="nonsense: 1").status_code == 400
