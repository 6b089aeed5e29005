"""Spend, Drift and a finding: what they say, who may decide, and marks of change."""

from __future__ import annotations

import re

import pytest

from spans.change import Mark, MarkKind
from spans.finding import FeatureChange, FindingKind, FindingState, Impact
from spans.roles import Role
from store.ledger.findings import FindingQuery
from tests.builders import NOW_NS, a_finding
from tests.web.house import House
from tests.web.samples import add_refund

HOUR = 3_600_000_000_000
FEATURES = (FeatureChange("cost_usd", 0.011, 0.0144, 5.2, "usd"), FeatureChange("refusal", 0.01, 0.06, 4.1, "share"))


def add(house: House, **changes):
    finding = a_finding(
        **{"features": FEATURES, "impact": Impact(119, 7), "detail": {"unchanged": ["tools"]}, **changes}
    )
    return house.ledger.findings.record([finding], NOW_NS, HOUR)[0]


def test_drift_shows_what_changed_with_its_decisions(house: House):
    one = add(house, summary="refund-agent changed on Tue.")
    page = house.browser().get("/drift").text
    assert "refund-agent changed on Tue." in page
    assert f"/findings/{one.finding_id}/expected" in page
    assert "expected" not in house.client(Role.VIEWER).get("/drift").text.split("open change")[1].split("What was")[0]


def test_a_finding_opened_names_what_moved_and_what_did_not(house: House):
    one = add(house)
    page = house.browser().get(f"/findings/{one.finding_id}").text
    for words in ("cost per run", "$0.011", "+31 %", "refusals", "+5.0 points", "unchanged: tools", "119", "opened"):
        assert words in page
    assert house.browser().get("/findings/unknown").status_code == 404


def test_expected_quiets_a_drift_and_moves_its_reference(house: House):
    one = add(house)
    assert house.browser(Role.REVIEWER).post(f"/findings/{one.finding_id}/expected").status_code == 303
    (found,) = house.ledger.findings.list(FindingQuery("default"))
    assert found.state is FindingState.EXPECTED
    assert house.ledger.accepted.of("default")["refund-agent", "production"].since_ns == one.since_ns
    assert any(e.action == "rule_change" for e in house.ledger.audit.list())


def test_silence_lasts_a_day(house: House):
    one = add(house)
    assert house.browser(Role.REVIEWER).post(f"/findings/{one.finding_id}/silence").status_code == 303
    (found,) = house.ledger.findings.list(FindingQuery("default"))
    assert found.state is FindingState.SILENCED
    assert found.silenced_until_ns == house.services.clock_ns() + 24 * HOUR


@pytest.mark.parametrize("what", ["expected", "silence"])
def test_a_viewer_decides_nothing(house: House, what):
    one = add(house)
    assert house.client(Role.VIEWER).post(f"/findings/{one.finding_id}/{what}").status_code == 403


def test_spend_lists_spikes_and_splits_by_every_dimension(house: House):
    add_refund(house.store)
    while house.store.roll_up():
        pass
    add(house, kind=FindingKind.SPEND_SPIKE, summary="refund-agent spent $9.")
    for by in ("workflow", "version", "model", "user", "session"):
        page = house.browser().get(f"/spend?by={by}").text
        assert "refund-agent spent $9." in page
        assert "Spend per hour" in page
    assert house.browser().get("/spend?by=colour").status_code == 400
    assert "No runs in this range" in house.browser().get("/spend?workflow=unknown").text


def test_a_change_is_marked_over_the_api_and_shows_on_drift(house: House):
    body = {"label": "v42 of maria@example.com", "workflow": "refund-agent", "at": "2026-11-20T11:00:00Z"}
    made = house.client(Role.REVIEWER).post("/api/v1/changes", json=body)
    assert made.status_code == 200, made.text
    listed = house.client(Role.VIEWER).get("/api/v1/changes?workflow=refund-agent").json()["data"]
    assert [m["label"] for m in listed] == ["v42 of <EMAIL_ADDRESS_tapkmj7f>"]
    assert listed[0]["at"] == "2026-11-20T11:00:00.000000000Z"
    assert "marked: v42 of" in house.browser().get("/drift").text


def test_changes_stand_on_every_chart_over_time(house: House):
    add_refund(house.store)
    while house.store.roll_up():
        pass
    policy = Mark("default", "", "refund-agent", NOW_NS - HOUR, MarkKind.POLICY, "version 1 saved")
    house.ledger.marks.add([policy, Mark("default", "staging", "refund-agent", NOW_NS, MarkKind.PROMPT, "h1:77")])
    for page in ("/", "/spend"):
        shown = house.browser().get(f"{page}?range=24h").text
        figures = re.findall(r'id="fig-[^"]+"[^>]*>(.*?)</script>', shown, re.DOTALL)
        assert figures, page
        assert all('"dash":"dot"' in figure for figure in figures), page
        assert shown.count("refund-agent: policy version 1 saved") == 1, page
        assert "prompt h1:77 first seen" in shown
    assert "h1:77" not in house.browser().get("/?range=24h&environment=production").text


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"label": ""}', '{"label": 4}', '{"label": "x", "at": "when"}'])
def test_a_mark_that_says_nothing_is_refused(house: House, body):
    assert house.client(Role.REVIEWER).post("/api/v1/changes", content=body).status_code == 400
    assert house.client(Role.VIEWER).post("/api/v1/changes", content=body).status_code == 403
