"""Redaction and People: what is typed is shown once and kept nowhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from spans.clean import Redaction, RedactionNote
from spans.health import RedactionFigures
from spans.roles import Role
from tests.builders import NOW_NS, a_clean_span, a_run, an_assembly
from tests.runs.spans_of import TRACE, agent, chat
from tests.store.contract import tables_for
from tests.web.house import House, a_house, fill

TOKEN = "<PERSON_abcdefgh>"
EARLIER = ("<PERSON_earlier2>", "<PERSON_earlier3>")
RETRIED: list[int] = []
NAME = "Maria Gonzalez <b>"


def explain(project: str, text: str) -> str:
    place = text.find(NAME)
    reason = {"start": place, "end": place + len(NAME), "entity": "PERSON", "why": "known", "token": TOKEN, "score": 1}
    return json.dumps(
        {"text": text.replace(NAME, TOKEN), "failed": "boom" in text, "reasons": [reason] if place >= 0 else []}
    )


@pytest.fixture
def house(tmp_path: Path) -> House:
    figures = RedactionFigures("full", "rules-1", 2, (("PERSON", 0.966, 1246),), 1500, 12.0)
    return a_house(
        tmp_path,
        explain_text=explain,
        pseudonyms=lambda project, entity, value: (TOKEN if value == NAME else "<PERSON_zzzzzzzz>", *EARLIER),
        redaction=lambda: figures,
        retry_withheld=lambda: RETRIED.append(1) or 1,
    )


def test_the_page_says_what_was_hidden_and_what_detectors_miss(house: House):
    notes = (RedactionNote("/attributes/gen_ai.input.messages/0", "EMAIL_ADDRESS", "pseudonym"),)
    house.store.write_evidence(tables_for(a_clean_span(notes=notes)))
    page = house.client(Role.VIEWER).get("/redaction?range=30d").text
    assert "gen_ai.input.messages" in page
    assert "email address" in page
    assert "Pseudonymised text is still personal data, and detectors miss" in page
    assert "96.6 %" in page
    assert "sealed originals" in page
    assert "Try again now" not in page


def test_a_dry_run_shows_why_and_leaves_nothing_behind(house: House, caplog):
    answer = house.client(Role.VIEWER).post("/redaction/try", data={"text": f"ask {NAME}\r\nnow"})
    assert answer.status_code == 200
    assert "&lt;PERSON_abcdefgh&gt;" in answer.text
    assert "known" in answer.text
    assert "Gonzalez" not in answer.text
    assert "Gonzalez" not in caplog.text
    assert "Gonzalez" not in json.dumps([str(entry) for entry in house.ledger.audit.list(10)])
    assert "withheld as a whole" in house.client(Role.VIEWER).post("/redaction/try", data={"text": "boom"}).text
    assert house.client(Role.VIEWER).post("/redaction/try", data={"text": "x" * 30_000}).status_code == 400


def test_every_page_says_that_texts_wait_which_could_not_be_redacted(house: House, tmp_path: Path):
    page = house.client(Role.VIEWER).get("/runs").text
    assert "2 requests with text that could not be redacted" in page.replace("\u202f", " ").replace("\xa0", " ")
    assert 'href="/redaction' in page
    (tmp_path / "whole").mkdir()
    whole = a_house(tmp_path / "whole")
    assert "could not be redacted" not in whole.client(Role.VIEWER).get("/runs").text


def test_only_admins_try_withheld_texts_again(house: House):
    assert house.client(Role.VIEWER).post("/redaction/retry").status_code == 403
    browser = house.browser()
    assert "Try again now" in browser.get("/redaction").text
    assert browser.post("/redaction/retry").headers["location"] == "/redaction"
    assert RETRIED == [1]


def test_a_persons_runs_are_found_by_pseudonym_and_the_value_goes_nowhere(house: House, caplog):
    item = a_clean_span(attributes={"gen_ai.input.messages": f"I am {TOKEN}"})
    house.store.write_evidence(tables_for(item))
    run = a_run(run_id=item.span.trace_id, started_ns=NOW_NS, name="refund")
    house.store.write_derived([structs.replace(an_assembly(), run=run)])
    client = house.client(Role.REVIEWER)
    assert client.get("/people").status_code == 200
    answer = client.post("/people?range=30d", data={"values": f"{NAME}\nsomebody", "entity": "PERSON"})
    assert "refund" in answer.text
    assert "No run of this range mentions them." in answer.text
    for where in (answer.text, str(answer.url), caplog.text, *(str(entry) for entry in house.ledger.audit.list(10))):
        assert "Gonzalez" not in where
    assert house.ledger.audit.list(1)[0].action == "search"
    assert "earlier" not in answer.text


def test_runs_stored_before_the_key_was_rotated_are_found_as_well(house: House):
    item = a_clean_span(attributes={"gen_ai.input.messages": f"I am {EARLIER[0]}"})
    house.store.write_evidence(tables_for(item))
    run = a_run(run_id=item.span.trace_id, started_ns=NOW_NS, name="refund")
    house.store.write_derived([structs.replace(an_assembly(), run=run)])
    answer = house.client(Role.REVIEWER).post("/people?range=30d", data={"values": NAME, "entity": "PERSON"}).text
    assert "made with an earlier key" in answer
    assert "earlier2" in answer
    assert "earlier3" not in answer


def test_people_asks_for_the_right_and_a_known_entity(house: House):
    assert house.client(Role.VIEWER).get("/people").status_code == 403
    client = house.client(Role.REVIEWER)
    assert client.post("/people", data={"values": "x", "entity": "SECRET"}).status_code == 400
    assert client.post("/people", data={"values": "a\n" * 30}).status_code == 400


def test_a_run_that_was_stored_as_sent_never_says_that_nothing_was_found(tmp_path):
    house = a_house(tmp_path)
    fill(house.store, [replace(one, redaction=Redaction.OFF) for one in (agent(1), chat(2, parent=1))])
    for tab in ("", "/conversation"):
        page = house.browser().get(f"/runs/{TRACE}{tab}").text
        assert "stored as it was sent" in page, tab
        assert "nothing found" not in page
    (tmp_path / "other").mkdir()
    other = a_house(tmp_path / "other")
    fill(other.store, [replace(one, redaction=Redaction.FULL) for one in (agent(1), chat(2, parent=1))])
    assert "nothing found" in other.browser().get(f"/runs/{TRACE}").text
