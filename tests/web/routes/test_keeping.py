from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from spans.health import Health, SignalCount
from spans.ids import RunId
from spans.roles import Role
from store.ledger.pins import PinReason
from store.retention import RetentionRules
from tests.builders import DAY, TRACE, a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for
from tests.web.house import a_house

DASHED = "0AF76519-16CD-43DD-8448-EB211C80319C"


@pytest.fixture
def house(tmp_path):
    made = a_house(tmp_path, retention_rules=lambda: RetentionRules(30, 365), disk=lambda: (0.85, ()))
    old = DAY - timedelta(days=40)
    made.store.write_evidence(tables_for(a_clean_span(received_day=old, status_message="boom")))
    made.store.write_derived([an_assembly(first_received_day=old)])
    return made


def test_the_page_shows_bytes_periods_what_goes_and_pins(house):
    house.ledger.pins.add("default", RunId(TRACE), PinReason.LEGAL_HOLD, by="ann", note="case 7")
    house.ledger.receipts.write("content", DAY - timedelta(days=90), {"span_contents": 1234})
    page = house.browser().get("/retention")
    assert page.status_code == 200
    for words in (
        "span_contents",
        "85\N{NO-BREAK SPACE}% of the disk",
        "messages and arguments",
        "legal hold: case 7",
        "1,234",
    ):
        assert words in page.text, words
    assert house.client(Role.REVIEWER).get("/retention").status_code == 403


def test_a_period_is_set_with_an_entry_in_the_access_log_and_removed(house):
    browser = house.browser()
    form = {"project": "default", "workflow": "refunds", "content_days": "90", "metadata_days": "400"}
    assert browser.post("/retention/set", data=form).status_code == 303
    (period,) = house.ledger.periods.list()
    assert (period.workflow, period.content_days, period.metadata_days) == ("refunds", 90, 400)
    assert house.ledger.audit.list()[0].action == "retention_change"
    assert browser.post("/retention/set", data={**form, "content_days": "500"}).status_code == 400
    assert browser.post("/retention/unset", data={"project": "default", "workflow": "refunds"}).status_code == 303
    assert house.ledger.periods.list() == ()


def test_a_period_says_what_would_go_before_it_is_set_and_nothing_is_set_by_looking(house):
    browser = house.browser()
    form = {"project": "default", "workflow": "", "content_days": "10", "metadata_days": "20"}
    page = browser.post("/retention/preview", data=form).text
    assert "Not set yet" in page
    also = page.partition('id="tried"')[2].partition("</section>")[0]
    assert "everything" in also, "of the day 40 days ago its runs would go, not only its content"
    assert house.ledger.periods.list() == ()
    assert [entry.action for entry in house.ledger.audit.list(5)] == ["sign_in"]
    longer = {**form, "content_days": "300", "metadata_days": "400"}
    assert "Nothing more would go" in browser.post("/retention/preview", data=longer).text
    assert browser.post("/retention/preview", data={**form, "metadata_days": "1"}).status_code == 400
    assert house.client(Role.REVIEWER).post("/retention/preview", data=form).status_code == 403


def test_a_run_is_kept_for_a_dispute_and_let_go_with_entries_in_the_access_log(house):
    browser = house.browser()
    form = {"run": DASHED, "reason": "legal_hold", "note": "case 7 of maria@example.com"}
    assert browser.post("/retention/pin", data=form).status_code == 303
    (pin,) = house.ledger.pins.list()
    assert (pin.run_id, pin.reason, pin.note) == (TRACE, PinReason.LEGAL_HOLD, "case 7 of <EMAIL_ADDRESS_tapkmj7f>")
    assert house.ledger.audit.list(1)[0].detail["reason"] == "legal_hold"
    assert 'action="/retention/lift"' in browser.get("/retention").text
    gone = {"run": TRACE, "reason": "legal_hold", "project": "default"}
    assert house.client(Role.ADMIN, project="other").post("/retention/lift", data=gone).status_code == 404
    assert house.client(Role.REVIEWER).post("/retention/lift", data=gone).status_code == 403
    assert browser.post("/retention/lift", data=gone).status_code == 303
    assert house.ledger.pins.list() == ()
    assert browser.post("/retention/lift", data=gone).status_code == 404
    assert browser.post("/retention/pin", data={**form, "reason": "incident"}).status_code == 400
    assert browser.post("/retention/lift", data={**gone, "reason": "incident"}).status_code == 400
    assert browser.post("/retention/pin", data={**form, "run": str(a_trace_id(9))}).status_code == 404


def test_bytes_beside_the_store_are_shown_and_counted(tmp_path):
    house = a_house(tmp_path, beside_bytes=lambda: {"of the ledger": 5_000_000})
    page = house.browser().get("/retention").text
    assert "5.0 MB of the ledger" in page
    assert "5.0 MB in all" in page
    house.ledger.close()


def test_records_are_shortened_by_a_reason_only_and_the_access_log_holds_it(tmp_path):
    house = a_house(tmp_path, retention_rules=lambda: RetentionRules(30, 365, house.ledger.periods.list()))
    browser = house.browser()
    form = {"project": "default", "workflow": "", "content_days": "30", "metadata_days": "200", "records": "1"}
    assert browser.post("/retention/set", data=form).status_code == 303
    assert "records, six months at least" in browser.get("/retention").text
    shorter = {**form, "metadata_days": "90"}
    assert browser.post("/retention/set", data=shorter).status_code == 400
    assert browser.post("/retention/unset", data={"project": "default"}).status_code == 400
    assert len([e for e in house.ledger.audit.list() if e.action == "retention_change"]) == 1
    assert browser.post("/retention/set", data={**shorter, "override": "counsel said so"}).status_code == 303
    assert house.ledger.audit.list()[0].detail["override"] == "counsel said so"
    page = browser.get("/retention").text
    assert "shortened: counsel said so" in page
    gone = {"project": "default", "override": "withdrawn"}
    assert browser.post("/retention/unset", data=gone).status_code == 303
    assert house.ledger.periods.list() == ()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (TRACE, ""),
        (TRACE.upper(), ""),
        (DASHED, ""),
        (f"00-{TRACE}-b7ad6b7169203331-01", "b7ad6b7169203331"),
        (f"00-{TRACE.upper()}-B7AD6B7169203331-01", "b7ad6b7169203331"),
    ],
)
def test_a_trace_id_in_any_spelling_opens_its_run(house, text, span):
    answer = house.browser().get(f"/t/{text}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/runs/{TRACE}" + (f"?span={span}" if span else "")


def test_the_span_of_the_link_is_kept_and_other_projects_are_found_by_people_only(house):
    browser = house.browser()
    assert browser.get(f"/t/{TRACE}?span=B7AD6B7169203331").headers["location"].endswith("?span=b7ad6b7169203331")
    house.store.write_derived([an_assembly(project="other", run_id=RunId(a_trace_id(5)))])
    assert browser.get(f"/t/{a_trace_id(5)}").headers["location"] == f"/runs/{a_trace_id(5)}?project=other"
    assert house.client(Role.VIEWER).get(f"/t/{a_trace_id(5)}").status_code == 404


@pytest.mark.parametrize(
    ("spans", "logs", "says"),
    [
        ({"pending": 3}, {}, ["still being worked on"]),
        ({}, {"pending": 3}, ["still being worked on"]),
        ({"quarantined": 2}, {}, ["may be in quarantine"]),
        ({"pending": 3}, {"quarantined": 1}, ["still being worked on", "may be in quarantine"]),
    ],
)
def test_a_trace_that_may_wait_or_be_set_aside_says_both(tmp_path, spans, logs, says):
    """What waits must not hide what is set aside. How much there is of either is not told: it may be of other projects."""
    house = a_house(tmp_path, health=lambda: Health(spans=SignalCount(**spans), logs=SignalCount(**logs)))
    try:
        text = house.browser().get(f"/t/{a_trace_id(9)}").text
        for words in ("still being worked on", "may be in quarantine"):
            assert (words in text) == (words in says)
        assert "never arrived" not in text
    finally:
        house.ledger.close()


def test_a_trace_that_is_not_here_says_why(house):
    browser = house.browser()
    assert "never arrived" in browser.get(f"/t/{a_trace_id(9)}").text
    house.store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(8))))
    assert "being put together" in browser.get(f"/t/{a_trace_id(8)}").text
    house.store.drop_day(DAY - timedelta(days=40))
    assert "end of its retention" in browser.get(f"/t/{TRACE}").text
    house.store.erase("default", [a_trace_id(8)])
    assert "was erased on" in browser.get(f"/t/{a_trace_id(8)}").text
    assert browser.get("/t/xyz").status_code == 400


def test_a_run_whose_content_went_says_on_which_day(house):
    house.store.drop_content(DAY - timedelta(days=40))
    expired = house.store.read_run("default", TRACE).content_expired_ns
    page = house.browser().get(f"/runs/{TRACE}").text
    day = datetime.fromtimestamp(expired / 1e9, UTC)
    assert f"Content expired on {day.day} {day:%B %Y}" in page
