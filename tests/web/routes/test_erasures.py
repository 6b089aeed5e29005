"""Erasure on the pages: what is typed goes nowhere, nothing goes unseen, and only those erase who may."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from spans.erasure import ErasureOutlook, Waiting
from spans.errors import BusyError
from spans.ids import RunId
from spans.roles import Role
from store.ledger import Ledger
from store.ledger.erasures import Departure, Subject
from store.ledger.pins import PinReason
from store.memory import MemoryStore
from tests.builders import a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for
from tests.web.house import House, a_house
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import NothingSealed
from tracetape.erasing import Erasing
from tracetape.erasure_desk import ErasureDesk

NAME = "Maria Gonzalez"
TOKEN, EARLIER, MAIL = "<PERSON_abcdefgh>", "<PERSON_earlier2>", "p-abcdefgh@pii.example.net"
SURE = {"subject": "person", "target": [TOKEN], "word": "erase"}


def pseudonyms(_project: str, entity: str, value: str) -> tuple[str, ...]:
    if entity == "EMAIL_ADDRESS":
        return (MAIL,)
    return (TOKEN, EARLIER) if value.casefold() == NAME.casefold() else ("<PERSON_zzzzzzzz>",)


def explain(_project: str, text: str) -> str:
    place = text.find("maria@example.com")
    found = [{"start": place, "end": place + 17, "entity": "EMAIL_ADDRESS", "why": "x", "token": MAIL, "score": 1}]
    return json.dumps({"text": text, "failed": False, "reasons": found if place >= 0 else []})


class Away:
    """Main, while it is away."""

    def preview(self, *_what: object) -> ErasureOutlook:
        raise BusyError("The main process does not run now.")

    def erase(self, *_what: object) -> tuple[str, ...]:
        raise BusyError("The main process does not run now.")

    def waiting(self) -> dict[str, Waiting]:
        return {}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store, ledger = MemoryStore(), Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    for number, text in ((1, f"I am {TOKEN}"), (2, f"{MAIL} wrote, and {TOKEN}"), (3, "nobody")):
        item = a_clean_span(trace_id=a_trace_id(number), attributes={"text": text}, segment="s", slot=number)
        store.write_evidence(tables_for(item))
        store.write_derived([an_assembly(run_id=RunId(a_trace_id(number)), name="refund")])
    erasing = Erasing(store, ledger, NothingSealed(), ErasedArrivals(ledger.erasures))
    desk = ErasureDesk(erasing, ledger, start=lambda work: work())
    made = a_house(tmp_path, store=store, pseudonyms=pseudonyms, explain_text=explain, erasures=desk)
    yield made
    made.ledger.close()
    ledger.close()


def left(house: House) -> list[str]:
    return [str(n) for n in (1, 2, 3) if house.store.read_run("default", a_trace_id(n))]


def test_a_person_is_erased_in_three_steps_and_what_was_typed_goes_nowhere(house: House, caplog, tmp_path: Path):
    caplog.set_level(logging.DEBUG)
    browser = house.browser()
    answers = [browser.get("/erasures")]
    assert "Nobody was erased" in answers[0].text
    answers.append(browser.post("/erasures/preview", data={"values": f"{NAME}\nMARIA GONZALEZ", "entity": "PERSON"}))
    shown = answers[1].text.replace("\xa0", " ")
    for words in ("2 runs", "2 traces", "&lt;PERSON_abcdefgh&gt;", "made with an earlier key", "2 spans"):
        assert words in shown, words
    assert (left(house), house.ledger.erasures.list()) == (["1", "2", "3"], ()), "looking erases nothing"
    answers.append(browser.post("/erasures", data={**SURE, "target": [TOKEN, EARLIER]}))
    assert (answers[2].status_code, answers[2].headers["location"]) == (303, "/erasures")
    assert left(house) == ["3"]
    answers.append(browser.get("/erasures"))
    assert "hidden" in answers[3].text
    assert {one.target for one in house.ledger.erasures.list()} == {TOKEN, EARLIER}
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = [caplog.text, *(str(entry) for entry in house.ledger.audit.list(50))]
    said += [text for answer in answers for text in (answer.text, str(answer.url), str(answer.headers))]
    for where in said:
        assert "gonzalez" not in where.casefold()
    assert b"gonzalez" not in kept.lower()
    assert TOKEN.encode() in kept, "the control: the tombstone is there"


def test_nothing_goes_without_the_word(house: House):
    browser = house.browser()
    for word in ("", "yes", "erased"):
        answer = browser.post("/erasures", data={**SURE, "word": word})
        assert answer.status_code == 400
        assert "Nothing was erased. Type erase below" in answer.text
    assert len(left(house)) == 3
    assert browser.post("/erasures", data={**SURE, "word": " Erase "}).status_code == 303


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.AUDITOR, Role.INGEST])
def test_only_administrators_look_and_erase(house: House, role: Role):
    client, run = house.client(role), a_trace_id(1)
    for path in ("/erasures", f"/runs/{run}/erase", "/erasures/x/certificate"):
        assert client.get(path).status_code == 403
    assert client.post("/erasures/preview", data={"values": NAME}).status_code == 403
    assert client.post("/erasures", data=SURE).status_code == 403
    assert "/erase" not in client.get(f"/runs/{run}").text
    assert len(left(house)) == 3


def test_a_foreign_site_erases_nobody(house: House):
    browser = house.browser()
    browser.headers["sec-fetch-site"] = "cross-site"
    assert browser.post("/erasures", data=SURE).status_code == 403
    assert len(left(house)) == 3


def test_a_key_of_one_project_erases_and_sees_erasures_there_only(house: House):
    other = house.client(Role.ADMIN, project="other")
    assert "Nothing stored holds this person" in other.post("/erasures/preview", data={"values": NAME}).text
    assert other.post("/erasures", data=SURE).status_code == 303
    assert len(left(house)) == 3
    own = house.client(Role.ADMIN)
    own.post("/erasures", data=SURE)
    (theirs,) = house.ledger.erasures.list("default")
    assert other.get(f"/erasures/{theirs.erasure_id}/certificate").status_code == 404
    assert own.get(f"/erasures/{theirs.erasure_id}/certificate").json()["traces"] == 2
    assert other.get("/erasures").text.count("Certificate") + other.get("/erasures").text.count("So far") == 1
    assert other.get(f"/runs/{a_trace_id(3)}/erase").status_code == 404


def test_a_value_in_clear_is_no_target_and_is_kept_nowhere(house: House, caplog):
    answer = house.browser().post("/erasures", data={**SURE, "target": [NAME]})
    assert answer.status_code == 400
    assert house.ledger.erasures.list() == ()
    for where in (answer.text, caplog.text, *(str(entry) for entry in house.ledger.audit.list(10))):
        assert "Gonzalez" not in where


def test_a_run_is_erased_from_its_own_page(house: House):
    browser, run = house.browser(), a_trace_id(3)
    assert f'href="/runs/{run}/erase"' in browser.get(f"/runs/{run}").text
    page = browser.get(f"/runs/{run}/erase").text
    assert "Erase a run" in page
    assert f'value="{run}"' in page
    answer = browser.post("/erasures", data={"subject": "run", "target": [str(run)], "word": "erase"})
    assert answer.status_code == 303
    assert left(house) == ["1", "2"]


def test_a_legal_hold_is_said_before_and_gives_way_to_a_reason_only_which_is_redacted_and_kept(house: House):
    for number, reason in ((1, PinReason.LEGAL_HOLD), (2, PinReason.INCIDENT)):
        house.ledger.pins.add("default", RunId(a_trace_id(number)), reason, by="ann")
    browser = house.browser()
    page = browser.post("/erasures/preview", data={"values": NAME}).text.replace("\xa0", " ")
    assert "1 run of it is under legal hold." in page
    assert "1 run of an incident: a pin keeps a run beyond its day, not from an erasure." in page
    refused = browser.post("/erasures", data=SURE)
    assert refused.status_code == 400
    assert "Give a reason" in refused.text
    assert len(left(house)) == 3
    why = {"override": "maria@example.com asked, counsel agreed"}
    assert browser.post("/erasures", data={**SURE, **why}).status_code == 303
    entry = next(e for e in house.ledger.audit.list() if e.action == "retention_change")
    assert entry.detail["override"] == "<EMAIL_ADDRESS_tapkmj7f> asked, counsel agreed"


def test_a_user_id_is_read_as_redaction_reads_it_and_one_that_is_stored_as_sent_says_what_to_do(house: House):
    browser = house.browser()
    found = browser.post("/erasures/preview", data={"values": "maria@example.com", "entity": "ANY"})
    assert MAIL in found.text
    plain = browser.post("/erasures/preview", data={"values": "user-4711", "entity": "ANY"})
    assert plain.status_code == 422
    assert "stored as it was sent" in plain.text
    assert "4711" not in plain.text
    assert TOKEN.strip("<>") in browser.post("/erasures/preview", data={"values": TOKEN, "entity": "ANY"}).text


def test_nobody_is_erased_by_what_many_share(house: House):
    browser = house.browser()
    for entity in ("DATE_OF_BIRTH", "LOCATION", "SECRET", "x"):
        assert browser.post("/erasures/preview", data={"values": NAME, "entity": entity}).status_code == 400
    assert browser.post("/erasures/preview", data={"values": "\n".join("abcdefghijk" * 3)}).status_code == 400
    assert "at least one spelling" in browser.post("/erasures/preview", data={"values": " "}).text


def test_while_main_is_away_it_says_so_and_that_nothing_was_kept(house: House, tmp_path: Path):
    (tmp_path / "away").mkdir()
    away = a_house(tmp_path / "away", store=house.store, pseudonyms=pseudonyms, erasures=Away())
    browser = away.browser()
    for answer in (
        browser.post("/erasures/preview", data={"values": NAME}),
        browser.get(f"/runs/{a_trace_id(1)}/erase"),
        browser.post("/erasures", data=SURE),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "does not run now" in answer.text
        assert "type it again" in answer.text
    assert "Gonzalez" not in answer.text
    away.ledger.close()


def test_where_another_server_keeps_the_data_nothing_is_offered(tmp_path: Path):
    house = a_house(tmp_path)
    assert "another server keeps the data" in house.browser().get("/erasures").text
    assert house.browser().post("/erasures", data=SURE).status_code == 404
    house.ledger.close()


def test_the_list_says_hidden_and_bytes_gone_and_what_had_left(tmp_path: Path):
    waiting: dict[str, Waiting] = {}
    desk = Away()
    desk.waiting = lambda: waiting  # type: ignore[method-assign]
    house = a_house(tmp_path, erasures=desk)
    gone = Departure("export", 1, "ann", {"folder": "their-laptop"}, 12, certain=True)
    maybe = Departure("backup", 1, "ann", {"folder": "vault"}, None, certain=False)
    erasures, browser = house.ledger.erasures, house.browser()
    begun = erasures.begin("default", Subject.PERSON, TOKEN, [a_trace_id(1)], by="ann", left_before=[gone, maybe])
    page = browser.get("/erasures").text
    assert "being hidden" in page
    assert "every 5s" in page, "the list is looked at again"
    erasures.hide(begun.erasure_id)
    waiting[begun.erasure_id] = Waiting(sealed_records=2)
    assert "look through 2\xa0sealed records" in browser.get("/erasures").text
    erasures.add(begun.erasure_id, {"spans": 1234, "sealed_originals": 1, "logs": 0})
    erasures.finish(begun.erasure_id)
    page = browser.get("/erasures").text
    for words in (
        "1 sealed originals, 1,234 spans",
        "their-laptop, 12",
        "backup (perhaps)",
        "bytes gone",
        "Certificate",
    ):
        assert words in page, words
    assert "every 5s" not in page.partition('id="erasures"')[2]
    told = browser.get(f"/erasures/{begun.erasure_id}/certificate")
    assert "attachment" in told.headers["content-disposition"]
    assert told.json()["removed_rows"] == {"logs": 0, "spans": 1234}
    house.ledger.close()


def test_whoever_finds_a_persons_runs_may_go_on_to_erase_them(house: House):
    page = house.browser().post("/people?range=400d", data={"values": NAME, "entity": "PERSON"}).text
    assert "/erasures/preview" in page
    reviewer = house.client(Role.REVIEWER).post("/people?range=400d", data={"values": NAME, "entity": "PERSON"}).text
    assert "/erasures/preview" not in reviewer
