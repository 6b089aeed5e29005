"""Spend, Drift and a finding: what they say, who may decide, and marks of change."""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal

import pytest
from msgspec import structs

from spans.change import Mark, MarkKind
from spans.finding import FeatureChange, FindingKind, FindingState, Impact, Severity
from spans.roles import Role
from spans.run import Assembly
from store.ledger.findings import FindingQuery
from tests.builders import NOW_NS, a_finding, a_run, a_trace_id
from tests.web.house import House
from tests.web.samples import add_refund
from web.pages.findings import advice_of

HOUR = 3_600_000_000_000
FEATURES = (FeatureChange("cost_usd", 0.011, 0.0144, 5.2, "usd"), FeatureChange("refusal", 0.01, 0.06, 4.1, "share"))


def add(house: House, **changes):
    finding = a_finding(
        **{"features": FEATURES, "impact": Impact(119, 7), "detail": {"unchanged": ["tools"]}, **changes}
    )
    return house.ledger.findings.record([finding], NOW_NS, HOUR)[0]


def test_a_finding_of_another_environment_than_production_says_so(house: House):
    add(house, summary="agent 2.4.1 against 2.4.0: roll back.")
    add(house, summary="agent 2.4.1 against 2.4.0: hold.", environment="staging", subject="other")
    page = house.browser().get("/drift").text
    assert page.count("Changed behaviour, staging") == 1
    assert "Changed behaviour, production" not in page


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


@pytest.mark.parametrize(
    ("changes", "what", "words"),
    [
        ({}, "", "production · 119 runs, 7 users"),
        ({"environment": "staging"}, "silence", "staging, silenced · 119 runs, 7 users"),
        ({}, "expected", "production, expected · 119 runs, 7 users"),
        ({"environment": "", "subject": "pinned"}, "", "against the pinned reference · 119 runs, 7 users"),
    ],
)
def test_the_head_of_a_finding_says_where_it_was_found_and_how_it_stands(house: House, changes, what, words):
    one = add(house, **changes)
    if what:
        house.browser(Role.REVIEWER).post(f"/findings/{one.finding_id}/{what}")
    page = house.browser().get(f"/findings/{one.finding_id}").text
    head = page[page.index("<h1>Changed behaviour") :].split("</p>")[0].replace("\xa0", " ")
    assert head.endswith(f"<p>{words}")


def test_a_spike_is_drawn_in_its_own_environment_even_when_its_runs_tell_none(house: House):
    for environment, usd in (("", "0.5"), ("staging", "90")):
        run = a_run(run_id=a_trace_id(len(environment) + 1), environment=environment, workflow="billing")
        run = structs.replace(run, started_ns=NOW_NS - HOUR, cost_usd=Decimal(usd))
        house.store.write_derived([Assembly(run, ())])
    while house.store.roll_up():
        pass
    one = add(house, kind=FindingKind.SPEND_SPIKE, workflow="billing", environment="", features=())
    page = html.unescape(house.browser().get(f"/findings/{one.finding_id}").text)
    figure = re.findall(r'id="fig-[^"]+"[^>]*>(.*?)</script>', page, re.DOTALL)[0]
    spent = next(trace for trace in json.loads(figure)["data"] if trace["name"] == "spend")
    assert sum(spent["y"]) == 0.5


def test_expected_quiets_a_drift_and_moves_its_reference(house: House):
    one = add(house)
    assert house.browser(Role.REVIEWER).post(f"/findings/{one.finding_id}/expected").status_code == 303
    (found,) = house.ledger.findings.list(FindingQuery("default"))
    assert found.state is FindingState.EXPECTED
    assert house.ledger.accepted.of("default")["refund-agent", "production"].since_ns == one.since_ns
    assert house.ledger.accepted.of("default")["refund-agent", "production"].is_pinned
    assert any(e.action == "rule_change" for e in house.ledger.audit.list())


def test_silence_lasts_a_day(house: House):
    one = add(house)
    assert house.browser(Role.REVIEWER).post(f"/findings/{one.finding_id}/silence").status_code == 303
    (found,) = house.ledger.findings.list(FindingQuery("default"))
    assert found.state is FindingState.SILENCED
    assert found.silenced_until_ns == house.services.clock_ns() + 24 * HOUR


def test_make_it_a_limit_fills_the_form_of_a_rule_and_saves_nothing(house: House):
    one = add(house)
    admin = house.browser()
    href = re.search(r'href="([^"]+)"[^>]*>Make it a limit', admin.get(f"/findings/{one.finding_id}").text)
    assert href
    form = admin.get(html.unescape(href[1]))
    assert form.status_code == 200
    assert 'value="cost-per-run-refund-agent"' in form.text
    assert "metric: cost_per_run" in form.text
    assert "above: 0.0127" in form.text
    assert house.ledger.alert_rules.list("default") == ()
    assert "Make it a limit" not in house.client(Role.REVIEWER).get(f"/findings/{one.finding_id}").text


def test_make_it_a_limit_of_tools_drafts_the_policy(house: House):
    add_refund(house.store)
    house.ledger.policies.save("default", "refund-agent", "d", "workflow_id: refund-agent # ours\n", author="a")
    one = add(house, features=(FeatureChange("tools_execute_refund", 0.0, 0.4, 6.0, "share"),))
    admin = house.browser()
    href = re.search(r'href="([^"]+)"[^>]*>Make it a limit', admin.get(f"/findings/{one.finding_id}").text)
    page = admin.get(html.unescape(href[1])).text if href else ""
    assert "execute_refund waits for a person. A draft, not saved" in page
    assert "workflow_id: refund-agent\nrequire_approval: [execute_refund]" in page
    assert len(house.ledger.policies.versions("default", "refund-agent")) == 1
    assert "A draft" not in house.client(Role.VIEWER).get("/policies/refund-agent?approve=execute_refund").text
    assert admin.get("/policies/refund-agent?max_tool_calls=none").status_code == 400


def test_a_pinned_reference_stands_beside_the_trailing_one(house: House):
    add_refund(house.store)
    times = {"reference_since_ns": NOW_NS - 400 * HOUR, "reference_until_ns": NOW_NS - 24 * HOUR, "reference_runs": 812}
    one = add(house, subject="trailing", detail=times)
    reviewer = house.browser(Role.REVIEWER)
    assert "none is pinned" in reviewer.get(f"/findings/{one.finding_id}").text
    assert reviewer.get("/drift").text.count("Pin this period") == 1
    which = "refund-agent\nproduction"
    asked = {"which": which, "since": "2026-11-09", "until": "2026-11-16"}
    assert reviewer.post("/drift/pin", data={**asked, "until": "2026-11-01"}).status_code == 400
    assert reviewer.post("/drift/pin", data={**asked, "until": "2036-11-01"}).status_code == 400
    assert house.client(Role.VIEWER).post("/drift/pin", data=asked).status_code == 403
    assert reviewer.post("/drift/pin", data=asked).status_code == 303
    pinned = house.ledger.accepted.of("default")["refund-agent", "production"]
    assert pinned.is_pinned
    assert pinned.until_ns
    assert pinned.until_ns - pinned.since_ns == 7 * 24 * HOUR
    page = reviewer.get(f"/findings/{one.finding_id}").text
    assert "changed against 812 runs" in page.replace("\u00a0", " ")
    assert "no sure change against it" in page
    twin = add(house, subject="pinned", detail=times)
    assert f'href="/findings/{twin.finding_id}' in reviewer.get(f"/findings/{one.finding_id}").text
    assert "against the pinned reference" in reviewer.get("/drift").text
    assert reviewer.post("/drift/pin", data={"which": which}).status_code == 303
    assert not house.ledger.accepted.of("default")["refund-agent", "production"].is_pinned
    assert "Unpin" not in reviewer.get("/drift").text


def test_a_drift_against_something_else_still_opens(house: House):
    times = {"reference_since_ns": 1, "reference_until_ns": 2}
    one = add(house, subject="of an older version", detail=times)
    assert "of an older version" in house.browser().get(f"/findings/{one.finding_id}").text


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
    run = a_run(attributes={"tenant": "acme"}, started_ns=NOW_NS - HOUR, cost_usd=Decimal("0.5"), workflow="billing")
    house.store.write_derived([Assembly(run, ())])
    page = html.unescape(house.browser().get("/spend").text)
    assert "/spend?environment=production&by=attr.tenant" in page
    page = html.unescape(house.browser().get("/spend?by=attr.tenant").text)
    assert "attr.tenant=acme" in page  # the runs behind the number
    assert ">$0.50<" in page
    assert re.search(r'data-label="share">\d+\.\d\xa0%<', page)  # as on every other page
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
    (told,) = [e for e in house.ledger.audit.list() if e.action == "rule_change"]
    assert (told.project, told.target, told.detail["did"]) == ("default", "changes of refund-agent", "change marked")


def test_changes_stand_on_every_chart_over_time(house: House):
    add_refund(house.store)
    while house.store.roll_up():
        pass
    policy = Mark("default", "", "refund-agent", NOW_NS - HOUR, MarkKind.POLICY, "version 1 saved")
    house.ledger.marks.add([policy, Mark("default", "staging", "refund-agent", NOW_NS, MarkKind.PROMPT, "h1:77")])
    for page in ("/", "/spend"):
        shown = house.browser().get(f"{page}?range=24h&environment=*").text
        figures = re.findall(r'id="fig-[^"]+"[^>]*>(.*?)</script>', shown, re.DOTALL)
        assert figures, page
        assert all('"dash":"dot"' in figure for figure in figures), page
        assert shown.count("refund-agent: policy version 1 saved") == 1, page
        assert "prompt h1:77 first seen" in shown
    assert "h1:77" not in house.browser().get("/?range=24h").text  # production


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"label": ""}', '{"label": 4}', '{"label": "x", "at": "when"}'])
def test_a_mark_that_says_nothing_is_refused(house: House, body):
    assert house.client(Role.REVIEWER).post("/api/v1/changes", content=body).status_code == 400
    assert house.client(Role.VIEWER).post("/api/v1/changes", content=body).status_code == 403


def test_new_versions_stand_apart_from_drift_and_what_must_go_back_comes_first(house: House):
    for advice, severity in (("hold", Severity.INFO), ("roll_back", Severity.TICKET), ("promote", Severity.INFO)):
        add(
            house,
            kind=FindingKind.VERSION,
            subject=advice,
            severity=severity,
            summary=f"agent: {advice}.",
            detail={"recommendation": advice, "old_version": "1.9", "needed_runs": 40},
        )
    page = house.browser().get("/drift").text
    assert "No workflow changed its behaviour" in page
    assert page.index("agent: roll_back.") < page.index("agent: promote.") < page.index("agent: hold.")
    (first, *_) = [f for f in house.ledger.findings.list(FindingQuery("default")) if f.subject == "roll_back"]
    opened = house.browser().get(f"/findings/{first.finding_id}").text
    assert "Go back to 1.9." in opened
    versions = house.browser().get("/workflows/refund-agent?tab=versions").text
    assert "agent: roll_back." in versions
    summary = house.browser().get("/workflows/refund-agent").text
    assert "agent: roll_back." in summary
    assert "agent: hold." not in summary


def test_a_repeated_write_shows_its_calls_and_a_comparison(house: House):
    calls = [{"run_id": c * 32, "span_id": c * 16, "at_ns": NOW_NS + n * HOUR} for n, c in enumerate("ab")]
    one = add(
        house, kind=FindingKind.DUPLICATE_WRITE, run_ids=("b" * 32, "a" * 32), detail={"calls": calls}, features=()
    )
    page = html.unescape(house.browser().get(f"/findings/{one.finding_id}").text)
    assert page.index(f"/runs/{'a' * 32}?span={'a' * 16}") < page.index(f"/runs/{'b' * 32}?span={'b' * 16}")
    assert f"/compare?left={'a' * 32}&right={'b' * 32}" in page
    assert "What moved" not in page


def test_examples_of_a_drift_are_named_for_what_they_are(house: House):
    examples = {"since": ["a" * 32], "extreme": [], "before": ["b" * 32]}
    one = add(house, run_ids=("a" * 32, "b" * 32), detail={"examples": examples})
    page = html.unescape(house.browser().get(f"/findings/{one.finding_id}").text)
    assert re.search(r"bbbbbbbb</a> <span class=\"muted\">typical before", page)
    assert f"/compare?left={'b' * 32}&right={'a' * 32}" in page


@pytest.mark.parametrize("kind", list(FindingKind))
def test_every_kind_of_finding_says_what_to_do(kind):
    found = a_finding(kind=kind, detail={"recommendation": "hold", "old_version": "1", "needed_runs": 3})
    assert advice_of(found).endswith((".", "?"))
