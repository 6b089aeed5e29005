"""Findings as JSON: the contract's fields, its filters, and who may see them."""

from __future__ import annotations

import pytest

from spans.finding import FeatureChange, FindingKind
from spans.roles import Role
from tests.builders import NOW_NS, a_finding
from tests.web.house import House

HOUR = 3_600_000_000_000


def add(house: House, at_ns=NOW_NS, **changes):
    features = (FeatureChange("cost_usd", 0.01, 0.02, 5.0, "usd"),)
    return house.ledger.findings.record([a_finding(**{"features": features, **changes})], at_ns, HOUR)[0]


def found(house: House, query=""):
    return house.client(Role.VIEWER).get(f"/api/v1/findings{query}").json()["data"]


def test_without_findings_the_list_is_empty(house: House):
    assert house.client(Role.VIEWER).get("/api/v1/findings?kind=drift").json() == {"data": []}


def test_a_finding_has_the_fields_of_the_contract(house: House):
    add(house)
    (one,) = found(house)
    assert {"finding_id", "kind", "workflow", "detected_at", "since", "features", "summary"} <= set(one)
    assert (one["kind"], one["workflow"], one["summary"]) == ("drift", "refund-agent", "refund-agent changed.")
    assert (one["detected_at"], one["since"]) == ("2026-11-20T12:00:00.000000000Z", "2026-11-20T11:00:00.000000000Z")
    assert one["features"] == [{"name": "cost_usd", "before": 0.01, "after": 0.02, "z": 5.0, "unit": "usd"}]


def test_the_filters_of_the_contract(house: House):
    add(house)
    add(house, NOW_NS - 5 * HOUR, workflow="mail", kind=FindingKind.SPEND_SPIKE)
    assert [f["workflow"] for f in found(house)] == ["refund-agent", "mail"]
    assert [f["workflow"] for f in found(house, "?kind=spend_spike")] == ["mail"]
    assert len(found(house, "?kind=spend_spike,drift")) == 2
    assert [f["workflow"] for f in found(house, "?workflow=mail")] == ["mail"]
    assert [f["workflow"] for f in found(house, "?since=2026-11-20T09:00:00Z")] == ["refund-agent"]
    assert [f["workflow"] for f in found(house, "?until=2026-11-20T09:00:00Z")] == ["mail"]
    assert len(found(house, "?limit=1")) == 1


@pytest.mark.parametrize(
    "query", ["?kind=nonsense", "?limit=0", "?limit=many", "?since=2026-11-21&until=2026-11-20", "?state=gone"]
)
def test_a_filter_that_cannot_be_served_is_refused(house: House, query):
    answer = house.client(Role.VIEWER).get(f"/api/v1/findings{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_one_finding_tells_its_history(house: House):
    one = add(house)
    house.ledger.findings.expect("default", one.finding_id, "ana", "planned")
    data = house.client(Role.VIEWER).get(f"/api/v1/findings/{one.finding_id}").json()["data"]
    assert [e["event"] for e in data["history"]] == ["opened", "expected"]
    assert house.client(Role.VIEWER).get("/api/v1/findings/unknown").status_code == 404


def test_findings_of_other_projects_stay_there(house: House):
    one = add(house)
    other = house.client(Role.VIEWER, project="other")
    assert other.get("/api/v1/findings").json()["data"] == []
    assert other.get(f"/api/v1/findings/{one.finding_id}").status_code == 404
    assert house.client(Role.INGEST).get("/api/v1/findings").status_code == 403
