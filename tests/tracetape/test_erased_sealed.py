from __future__ import annotations

import errno
import time

import pytest

from collector.broker import DIED, Held
from collector.quarantine import Quarantine
from collector.rework import NotRedactedError, Reworked
from collector.spool.format import Payload, RecordHead, Signal
from collector.spool.keys import ensure_spool_keys, load_key_ring, load_seal_key
from collector.spool.sidestore import SideStore
from spans.errors import BusyError
from spans.ids import TraceId
from store.ledger import Ledger
from store.ledger.erasures import Subject
from tests.builders import a_clean_span
from tests.collector.helpers import logs, trace_id, traces
from tests.store.contract import tables_for
from tracetape.erased_sealed import Cleared, SealedRecords, traces_in

PERSON = "<PERSON_abcdefgh>"
T1 = TraceId(trace_id(1).hex())


class Broker:
    """Real sealed files, and a worker that answers what the test says."""

    def __init__(self, tmp_path, ledger, accounting) -> None:
        self.keys = tmp_path / "keys"
        ensure_spool_keys(self.keys)
        self.withheld = SideStore(tmp_path / "withheld")
        files = SideStore(tmp_path / "quarantine")
        self.quarantine = Quarantine(tmp_path, files, ledger.slots, accounting)
        self.answers: dict[str, object] = {}
        self.asked: list[str] = []

    def held_until(self, until_ns: int) -> Held:
        return Held(0, 0)

    def unseal(self, files, kept) -> Payload:
        return files.read(kept.name, load_key_ring(self.keys))

    def rework(self, kept, files=None) -> Reworked:
        self.asked.append(kept.name)
        answer = self.answers.get(kept.name, ("nobody", 0))
        if isinstance(answer, Exception):
            raise answer
        text, withheld = answer
        return Reworked(tables_for(a_clean_span(trace_id=T1, attributes={"text": text})), (T1,), withheld)

    def put(self, files: SideStore, slot: int, *, project="default", received_ns=0, reason="It failed.") -> str:
        head = RecordHead(slot, Signal.SPANS, 1, project, received_ns or time.time_ns(), 0)
        body = Payload(traces("a", first=slot).SerializeToString())
        return files.put(f"{slot:016x}-00000000", head, body, reason, load_seal_key(self.keys)).name


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def broker(tmp_path, ledger):
    import threading

    return Broker(tmp_path, ledger, threading.Lock())


def a_person(ledger, *found: TraceId):
    return ledger.erasures.begin("default", Subject.PERSON, PERSON, found, by="ann")


def test_a_record_that_names_an_erased_trace_goes_without_asking_a_worker(broker, ledger):
    mine, other = broker.put(broker.withheld, 1), broker.put(broker.withheld, 2)
    tombstone = ledger.erasures.begin("default", Subject.RUN, T1, [T1], by="ann")
    done = SealedRecords(broker).clear(tombstone)
    assert done.removed == {"sealed_originals": 1}
    assert [kept.name for kept in broker.withheld.list()] == [other]
    assert mine != other
    assert broker.asked == []


def test_a_record_is_looked_through_for_a_person_and_only_theirs_goes(broker, ledger):
    theirs, other = broker.put(broker.quarantine.files, 2), broker.put(broker.quarantine.files, 3)
    ledger.slots.settle([Quarantine.row(kept) for kept in broker.quarantine.files.list()])
    broker.answers = {theirs: (f"to {PERSON}", 0)}
    sealed, tombstone = SealedRecords(broker), a_person(ledger)
    done = sealed.clear(tombstone)
    assert (done.removed, done.traces) == ({"quarantined_items": 1}, {T1})
    assert [kept.name for kept in broker.quarantine.list()] == [other]
    assert ledger.slots.totals()["spans"].dropped_by_person == 1
    assert not sealed.clear(tombstone).removed
    assert broker.asked == [theirs, other], "what was found clean is not opened again"


def test_what_was_found_clean_is_looked_at_again_when_the_person_has_more_traces(broker, ledger):
    """The original of trace 2 names nobody; that trace 2 is the person's is told later, by another record."""
    mine, other = broker.put(broker.withheld, 2), broker.put(broker.withheld, 3)
    sealed, tombstone = SealedRecords(broker), a_person(ledger, T1)
    assert not sealed.clear(tombstone).removed
    grown = ledger.erasures.add(tombstone.erasure_id, {}, [TraceId(trace_id(2).hex())])
    assert sealed.clear(grown).removed == {"sealed_originals": 1}
    assert [kept.name for kept in broker.withheld.list()] == [other]
    assert broker.asked == [mine, other], "a worker looks for the name once"


@pytest.mark.parametrize("answer", [("nothing readable", 1), NotRedactedError("no")])
def test_what_nobody_can_look_through_might_hold_them_and_goes(broker, ledger, answer):
    broker.answers = {broker.put(broker.withheld, 2): answer}
    assert SealedRecords(broker).clear(a_person(ledger)).removed == {"sealed_originals": 1}
    assert broker.withheld.list() == ()


def test_a_record_that_ended_its_workers_ends_no_other(broker, ledger):
    broker.put(broker.quarantine.files, 2, reason=DIED.format(tries=3))
    ledger.slots.settle([Quarantine.row(kept) for kept in broker.quarantine.files.list()])
    assert SealedRecords(broker).clear(a_person(ledger)).removed == {"quarantined_items": 1}
    assert broker.asked == []


def test_without_a_worker_it_waits(broker, ledger):
    broker.answers = {broker.put(broker.withheld, 2): BusyError("no worker")}
    done = SealedRecords(broker).clear(a_person(ledger))
    assert (done.waiting, done.removed) == (1, {})
    assert len(broker.withheld.list()) == 1


def test_what_came_afterwards_or_belongs_to_another_project_is_not_opened(broker, ledger):
    broker.put(broker.withheld, 2, received_ns=time.time_ns() + 10**12)
    broker.put(broker.withheld, 3, project="other")
    assert not SealedRecords(broker).clear(a_person(ledger)).removed
    assert broker.asked == []
    assert SealedRecords(broker).count("default") == {"sealed_originals": 1, "quarantined_records": 0}


def test_a_record_that_cannot_be_unsealed_goes(broker, ledger):
    name = broker.put(broker.withheld, 2)
    path = broker.withheld.folder / f"{name}.seg"
    raw = path.read_bytes()
    path.write_bytes(raw[: -len(raw) // 3] + b"?" * (len(raw) // 3))
    assert SealedRecords(broker).clear(a_person(ledger)).removed == {"sealed_originals": 1}


@pytest.mark.parametrize("step", ["unseal", "rework"])
def test_a_record_that_cannot_be_read_now_waits(broker, ledger, monkeypatch, step):
    """Too many open files, or a disk that fails to read: the record may be anybody's, and accepted means kept."""
    broker.put(broker.withheld, 2)
    sealed, tombstone, works = SealedRecords(broker), a_person(ledger), getattr(broker, step)

    def fail(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(broker, step, fail)
    assert sealed.clear(tombstone) == Cleared(waiting=1)
    monkeypatch.setattr(broker, step, works)
    assert sealed.clear(tombstone) == Cleared()
    assert len(broker.withheld.list()) == len(broker.asked) == 1


def test_trace_ids_are_found_in_spans_and_logs_and_in_what_no_decoder_reads():
    spans = traces("a", "b").SerializeToString()
    assert {trace_id(1).hex(), trace_id(2).hex()} <= traces_in(Payload(spans))
    assert trace_id(1).hex() in traces_in(Payload(logs("x").SerializeToString()))
    assert trace_id(1).hex() in traces_in(Payload(b"\xff\xff" + spans[3:]))
    assert traces_in(Payload(b"\x0a\x10short")) == set()
