from __future__ import annotations

from types import SimpleNamespace

import pytest

from spans.errors import BusyError, NotFoundError, RefusedError
from spans.ids import RunId
from store.ledger import Ledger
from store.ledger.erasures import Subject
from store.ledger.pins import PinReason
from store.memory import MemoryStore
from tests.builders import a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for
from tracetape.erasing import Erasing
from tracetape.keeping_verbs import certificate

PERSON = "<PERSON_abcdefgh>"


class Sealed:
    def __init__(self, *slots):
        self.files = [SimpleNamespace(name=f"{segment}-{slot}", segment=segment, slot=slot) for segment, slot in slots]

    def list(self):
        return list(self.files)

    def remove(self, name):
        self.files = [file for file in self.files if file.name != name]


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def store():
    kept = MemoryStore()
    for number, text in ((1, f"mail to {PERSON}"), (2, "nobody")):
        span = a_clean_span(trace_id=a_trace_id(number), attributes={"text": text}, segment="s", slot=number)
        kept.write_evidence(tables_for(span))
        kept.write_derived([an_assembly(run_id=RunId(a_trace_id(number)))])
    return kept


def test_a_person_is_erased_with_a_certificate_that_names_nobody(store, ledger):
    sealed = Sealed(("s", 1), ("s", 2))
    erasing = Erasing(store, ledger, sealed)
    found = erasing.preview("default", Subject.PERSON, PERSON)
    assert (found.traces, found.rows["spans"]) == ((a_trace_id(1),), 1)
    assert ledger.erasures.list() == ()

    done = certificate(erasing.erase("default", Subject.PERSON, PERSON, by="ann"))
    assert (done["traces"], done["removed_rows"]["spans"], done["asked_by"]) == (1, 1, "ann")
    assert done["bytes_gone_at"]
    assert store.find_traces("default", PERSON) == ()
    assert store.read_run("default", a_trace_id(2)) is not None
    assert [file.slot for file in sealed.files] == [2], "the sealed original of its record is still there"
    assert ledger.audit.list()[0].action == "retention_change"


def test_a_run_is_erased_with_its_pins(store, ledger):
    run = RunId(a_trace_id(2))
    ledger.pins.add("default", run, PinReason.LEGAL_HOLD, by="ann")
    Erasing(store, ledger, Sealed()).erase("default", Subject.RUN, str(run), by="ann")
    assert store.read_run("default", a_trace_id(2)) is None
    assert ledger.pins.list() == ()


def test_what_a_crash_interrupted_is_finished_later(store, ledger, monkeypatch):
    erasing = Erasing(store, ledger, Sealed())
    erase = store.erase

    def crash(*_):
        raise BusyError("old files still lie on the disk")

    monkeypatch.setattr(store, "erase", crash)
    with pytest.raises(BusyError):
        erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert erasing.go_on() == 0
    monkeypatch.setattr(store, "erase", erase)
    assert erasing.go_on() == 1
    assert erasing.go_on() == 0
    assert store.find_traces("default", PERSON) == ()
    assert ledger.erasures.list()[0].finished_ns


def test_a_restore_replays_every_tombstone(store, ledger):
    erasing = Erasing(store, ledger, Sealed())
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(1), attributes={"text": PERSON})))
    assert erasing.replay(ledger.erasures.list()) > 0
    assert store.find_traces("default", PERSON) == ()


@pytest.mark.parametrize("target", ["", "a", "<SECRET>", "  x  "])
def test_a_target_that_stands_for_many_is_refused(store, ledger, target):
    with pytest.raises(RefusedError):
        Erasing(store, ledger, Sealed()).preview("default", Subject.PERSON, target)


def test_a_run_that_is_not_there_cannot_be_erased(store, ledger):
    with pytest.raises(NotFoundError):
        Erasing(store, ledger, Sealed()).preview("default", Subject.RUN, str(a_trace_id(9)))
