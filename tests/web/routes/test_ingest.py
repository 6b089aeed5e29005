from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spans.errors import NotFoundError
from spans.health import ForwardStatus, IngestStatus, QuarantinedRecord, Refusals
from spans.roles import Role
from tests.builders import NOW_NS
from tests.web.house import House, a_house

HOSTILE = "It could not be processed (<b>x</b>)."


class Desk:
    """Quarantine in memory."""

    def __init__(self, *records: QuarantinedRecord) -> None:
        self.records = {record.name: record for record in records}
        self.did: list[str] = []

    def list(self) -> tuple[QuarantinedRecord, ...]:
        return tuple(self.records.values())

    def redrive(self, name: str) -> int:
        return self._leave("redrive", name)

    def drop(self, name: str) -> int:
        return self._leave("drop", name)

    def _leave(self, how: str, name: str) -> int:
        if name not in self.records:
            raise NotFoundError("gone")
        self.did.append(f"{how} {name}")
        return self.records.pop(name).items


def a_record(name: str, **changes: object) -> QuarantinedRecord:
    kept = QuarantinedRecord(
        name, "spans", 1234, "default", NOW_NS, NOW_NS, HOSTILE, NOW_NS + 7 * 86_400 * 10**9, can_be_redriven=True
    )
    return replace(kept, **changes)  # type: ignore[arg-type]


@pytest.fixture
def desk() -> Desk:
    return Desk(a_record("one"), a_record("two", can_be_redriven=False), a_record("three", project="other"))


@pytest.fixture
def house(tmp_path: Path, desk: Desk) -> House:
    status = IngestStatus(refusals=(Refusals("spans", "503", 77),), spool_refusal="The spool's volume is full.")
    return a_house(tmp_path, ingest=status, quarantine=desk)


def test_the_delivery_check_adds_up_in_public(house: House):
    page = house.client(Role.VIEWER).get("/delivery").text
    assert "Everything acknowledged is accounted for" in page
    assert "The spool&#39;s volume is full." in page
    assert "77" in page


def test_a_reader_sees_the_quarantine_of_its_project_and_decides_nothing(house: House):
    client = house.client(Role.VIEWER)
    page = client.get("/delivery").text
    assert "one" in page
    assert "three" not in page
    assert "&lt;b&gt;x" in page
    assert "Try again" not in page
    assert "Drop" not in page.split('id="quarantine"')[1].split("</section>")[0]
    for way in ("redrive", "drop"):
        assert client.post(f"/delivery/{way}", data={"name": "one"}).status_code == 403


def test_an_admin_tries_a_record_again_and_it_is_on_record(house: House, desk: Desk):
    browser = house.browser()
    assert "three" in browser.get("/delivery").text
    assert browser.post("/delivery/redrive", data={"name": "one"}).headers["location"] == "/delivery"
    assert desk.did == ["redrive one"]
    entry = house.ledger.audit.list(1)[0]
    assert (entry.action, entry.target, entry.detail["quarantine"]) == ("retention_change", "one", "redriven")


def test_what_is_destroyed_is_asked_about_first(house: House, desk: Desk):
    browser = house.browser()
    assert "Destroy 1,234 spans for good" not in browser.get("/delivery").text
    assert "Destroy 1,234 spans for good" in browser.get("/delivery?drop=two").text
    assert browser.post("/delivery/drop", data={"name": "two"}).status_code == 303
    assert desk.did == ["drop two"]
    assert house.ledger.audit.list(1)[0].detail["quarantine"] == "dropped"
    assert browser.post("/delivery/drop", data={"name": "two"}).status_code == 404


def test_an_admin_key_decides_about_its_own_project_only(house: House, desk: Desk):
    client = house.client(Role.ADMIN, project="other")
    assert client.post("/delivery/drop", data={"name": "one"}).status_code == 404
    assert client.post("/delivery/drop", data={"name": "three"}).status_code == 303
    assert desk.did == ["drop three"]


def test_forwarding_shows_its_lag_and_its_trouble(tmp_path: Path):
    status = ForwardStatus(
        "https://otlp.example.com", 12, sent=3456, refused=2, waiting=78, oldest_ns=NOW_NS, trouble=HOSTILE
    )
    client = a_house(tmp_path, forward=lambda: status).client(Role.VIEWER)
    page = client.get("/delivery").text.split('id="forwarding"')[1].split("</section>")[0]
    assert "3,456 spans sent" in page
    assert "78 wait" in page
    assert "2 were refused there for good" in page
    assert "&lt;b&gt;x" in page
    told = client.get("/api/v1/health").json()
    assert set(told["data"]) == {"spans", "logs"}
    assert (told["forward"]["waiting"], told["forward"]["lag_s"], told["forward"]["offset"]) == (78, 60.0, 12)


def test_nothing_is_said_of_forwarding_where_nothing_is_forwarded(house: House):
    client = house.client(Role.VIEWER)
    assert "Forwarding" not in client.get("/delivery").text
    assert set(client.get("/api/v1/health").json()) == {"data"}


def test_log_records_that_are_forwarded_and_a_gap_are_told(tmp_path: Path):
    logs = ForwardStatus("https://x/v1/logs", 3, sent=41, gone=1234, gone_from_ns=NOW_NS, gone_until_ns=NOW_NS + 10**9)
    status = ForwardStatus("https://x/v1/traces", 12, sent=5, logs=logs)
    client = a_house(tmp_path, forward=lambda: status).client(Role.VIEWER)
    page = client.get("/delivery").text.split('id="forwarding"')[1].split("</section>")[0]
    assert "41 log records sent" in page
    assert "A gap at the destination: 1,234" in page
    assert page.count("A gap") == 1
    told = client.get("/api/v1/health").json()["forward"]
    assert (told["logs"]["sent"], told["logs"]["gone"], told["logs"]["lag_s"], told["gone"]) == (41, 1234, 0.0, 0)


def test_a_spool_of_a_newer_version_is_told_with_what_to_do(tmp_path: Path):
    house = a_house(tmp_path, ingest=IngestStatus(newer_segments=2))
    page = house.client(Role.VIEWER).get("/delivery").text
    assert "of the spool were written by a newer tracetape and wait for it: update tracetape again" in page
