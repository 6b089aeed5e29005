from __future__ import annotations

import pytest

from spans.erasure import Waiting
from spans.errors import BusyError, RefusedError
from spans.ids import RunId
from store.ledger import Ledger
from store.ledger.pins import PinReason
from store.memory import MemoryStore
from tests.builders import a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import NothingSealed
from tracetape.erasing import Erasing
from tracetape.erasure_desk import ErasureDesk

PERSON, MAIL = "<PERSON_abcdefgh>", "p-abcdefgh@pii.example.net"


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def store():
    kept = MemoryStore()
    for number, text in ((1, f"mail to {PERSON}"), (2, f"{MAIL} wrote")):
        span = a_clean_span(trace_id=a_trace_id(number), attributes={"text": text}, segment="s", slot=number)
        kept.write_evidence(tables_for(span))
        kept.write_derived([an_assembly(run_id=RunId(a_trace_id(number)))])
    return kept


def test_it_answers_before_the_rows_are_hidden_and_hides_them_beside(store, ledger):
    beside = []
    erasing = Erasing(store, ledger, NothingSealed(), ErasedArrivals(ledger.erasures))
    desk = ErasureDesk(erasing, ledger, beside.append)
    assert desk.preview("default", "person", [PERSON, MAIL]).traces == 2
    begun = desk.erase("default", "person", [PERSON, MAIL], "ann")
    assert {e.erasure_id: e.target for e in ledger.erasures.list()} == dict(zip(begun, (PERSON, MAIL), strict=True))
    assert store.find_traces("default", PERSON)
    assert desk.waiting() == dict.fromkeys(begun, Waiting())
    (work,) = beside
    work()
    assert not store.find_traces("default", PERSON) + store.find_traces("default", MAIL)


def test_one_that_cannot_be_hidden_just_now_does_not_keep_the_next_from_it(store, ledger, monkeypatch, caplog):
    beside, erase = [], store.erase
    erasing = Erasing(store, ledger, NothingSealed(), ErasedArrivals(ledger.erasures))
    ErasureDesk(erasing, ledger, beside.append).erase("default", "person", [PERSON, MAIL], "ann")

    def busy_for_the_first(project, traces, *, wait):
        if a_trace_id(1) in traces:
            raise BusyError("later")
        return erase(project, traces, wait=wait)

    monkeypatch.setattr(store, "erase", busy_for_the_first)
    beside[0]()
    assert "could not be hidden yet" in caplog.text
    assert (len(store.find_traces("default", PERSON)), len(store.find_traces("default", MAIL))) == (1, 0)


def test_nothing_is_erased_when_one_of_them_needs_a_reason(store, ledger):
    ledger.pins.add("default", RunId(a_trace_id(2)), PinReason.LEGAL_HOLD, by="ann")
    erasing = Erasing(store, ledger, NothingSealed(), ErasedArrivals(ledger.erasures))
    desk = ErasureDesk(erasing, ledger)
    with pytest.raises(RefusedError, match="Give a reason"):
        desk.erase("default", "person", [PERSON, MAIL], "ann")
    assert ledger.erasures.list() == ()
