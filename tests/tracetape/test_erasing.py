from __future__ import annotations

import time
from collections import Counter

import pytest
from msgspec import structs

from collector.broker import Held
from spans.erasure import Waiting
from spans.errors import BusyError, NotFoundError, RefusedError
from spans.ids import RunId
from store.ledger import Ledger
from store.ledger.certificates import certificate
from store.ledger.erasures import Erasure, Subject
from store.ledger.periods import Period
from store.ledger.pins import PinReason
from store.memory import MemoryStore
from tests.builders import a_clean_span, a_span, a_step, a_trace_id, an_assembly, an_origin
from tests.store.contract import tables_for
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import Cleared, NothingSealed
from tracetape.erasing import Erasing

PERSON = "<PERSON_abcdefgh>"


class Sealed(NothingSealed):
    """What lies sealed, said by the test: what the spool holds, and what is cleared at each look."""

    def __init__(self, *looks: Cleared, held: tuple[Held, ...] = ()) -> None:
        self.looks, self.held = list(looks), list(held)

    def held_until(self, until_ns: int) -> Held:
        return self.held.pop(0) if self.held else Held(0, 0)

    def clear(self, tombstone: Erasure) -> Cleared:
        return self.looks.pop(0) if self.looks else Cleared()


def an_erasing(store, ledger, sealed=None) -> Erasing:
    return Erasing(store, ledger, sealed or Sealed(), ErasedArrivals(ledger.erasures))


def finished(erasing: Erasing, erasure: Erasure) -> Erasure:
    return erasing.wait(erasure.erasure_id, 10, is_flowing=False, every_s=0)


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
    erasing = an_erasing(store, ledger, Sealed(Cleared(Counter(sealed_originals=1))))
    found = erasing.preview("default", Subject.PERSON, PERSON)
    assert (found.traces, found.rows["spans"]) == (1, 1)
    assert ledger.erasures.list() == ()

    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert store.find_traces("default", PERSON) == ()
    assert begun.finished_ns is None, "sealed records were not looked through yet"
    done = certificate(finished(erasing, begun))
    assert (done["traces"], done["removed_rows"]["spans"], done["asked_by"]) == (1, 1, "ann")
    assert done["removed_elsewhere"]["sealed_originals"] == 1
    assert done["bytes_gone_at"]
    assert store.read_run("default", a_trace_id(2)) is not None
    assert ledger.audit.list()[0].action == "retention_change"


def test_a_run_is_erased_with_its_pins(store, ledger):
    run = RunId(a_trace_id(2))
    ledger.pins.add("default", run, PinReason.INCIDENT, by="ann")
    assert an_erasing(store, ledger).preview("default", Subject.RUN, str(run)).pinned == {"incident": 1}
    an_erasing(store, ledger).erase("default", Subject.RUN, str(run), by="ann")
    assert store.read_run("default", a_trace_id(2)) is None
    assert ledger.pins.list() == ()


def test_a_run_that_is_kept_for_a_dispute_is_erased_only_with_a_reason_that_the_access_log_holds(store, ledger):
    run = RunId(a_trace_id(1))
    for project in ("default", "other"):
        ledger.pins.add(project, run, PinReason.LEGAL_HOLD, by="ann")
    erasing = an_erasing(store, ledger)
    found = erasing.preview("default", Subject.PERSON, PERSON)
    assert (found.legal_holds, found.needs_reason) == (1, True)
    with pytest.raises(RefusedError, match="legal hold"):
        erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert store.read_run("default", a_trace_id(1)) is not None
    erasing.erase("default", Subject.PERSON, PERSON, by="ann", override="the dispute is over")
    assert ledger.audit.list()[0].detail["override"] == "the dispute is over"
    assert [pin.project for pin in ledger.pins.list()] == ["other"]


def test_it_says_when_nothing_of_it_could_be_seen_any_more_and_when_no_byte_was_left(store, ledger, monkeypatch):
    erasing = an_erasing(store, ledger, Sealed(held=(Held(1, 1),)))
    begun = erasing.begin("default", Subject.PERSON, PERSON, by="ann")
    assert begun.hidden_ns is None
    assert store.find_traces("default", PERSON), "whoever waits for the answer does not wait for this"
    assert erasing.go_on() == 0
    hidden = ledger.erasures.find(begun.erasure_id)
    assert (bool(hidden.hidden_ns), hidden.finished_ns) == (True, None)
    erasing.go_on()
    done = ledger.erasures.find(begun.erasure_id)
    assert done.hidden_ns == hidden.hidden_ns <= (done.finished_ns or 0)


def test_a_preview_counts_a_run_that_holds_two_pseudonyms_of_a_person_once(store, ledger):
    mail = "p-abcdefgh@pii.example.net"
    for number, text in ((1, f"mail {mail}"), (3, f"from {mail}")):
        span = a_clean_span(trace_id=a_trace_id(number), attributes={"text": text}, segment="s", slot=20 + number)
        store.write_evidence(tables_for(span))
    found = an_erasing(store, ledger).preview("default", Subject.PERSON, PERSON, mail)
    assert found.traces == 2
    assert found.first_received_ns <= found.last_received_ns


def test_it_is_not_finished_while_the_spool_holds_records_of_before(store, ledger):
    held = (Held(1, 3), Held(1, 0), Held(0, 0), Held(0, 0))
    erasing = an_erasing(store, ledger, Sealed(held=held))
    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert erasing.go_on() == 0
    assert erasing.waits_for(begun.erasure_id) == Waiting(1, 3)
    assert erasing.wait(begun.erasure_id, 10, is_flowing=False, every_s=0).finished_ns is None, "nothing flows here"
    assert erasing.go_on() == 1


def test_it_is_not_finished_while_a_sealed_record_waits_for_a_worker(store, ledger):
    erasing = an_erasing(store, ledger, Sealed(Cleared(waiting=2)))
    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert erasing.go_on() == 0
    assert erasing.waits_for(begun.erasure_id).sealed_records == 2
    assert erasing.go_on() == 1


def test_it_is_not_finished_by_a_look_that_found_more_of_its_traces(store, ledger):
    erasing = an_erasing(store, ledger, Sealed(Cleared(traces={str(a_trace_id(2))})))
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert erasing.go_on() == 0
    assert ledger.erasures.list()[0].traces == (a_trace_id(1), a_trace_id(2))
    assert [erasing.go_on() for _ in range(2)] == [0, 1], "rows of it are removed, then nothing is found"


def test_it_is_not_finished_while_old_files_lie_on_the_disk(store, ledger, monkeypatch):
    erasing, asked = an_erasing(store, ledger), []
    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    monkeypatch.setattr(store, "old_bytes_gone", lambda until_s: asked.append(until_s) or len(asked) > 2)
    assert [erasing.go_on() for _ in range(3)] == [0, 0, 1]
    assert len(set(asked)) == 1, "what a busy store gives up after the removal is none of its business"
    assert erasing.waits_for(begun.erasure_id) == Waiting()


def count_scans(store, monkeypatch):
    """Each element is one search of the whole store for a person."""
    scans, scan = [], store.find_traces
    monkeypatch.setattr(store, "find_traces", lambda *of: scans.append(of) or scan(*of))
    return scans


def test_while_it_only_waits_for_old_files_the_store_is_not_searched_again(store, ledger, monkeypatch):
    erasing = an_erasing(store, ledger, Sealed(held=(Held(1, 1),)))
    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    monkeypatch.setattr(store, "old_bytes_gone", lambda _until_s: False)
    scans = count_scans(store, monkeypatch)
    found = [(erasing.go_on(), len(scans))[1] for _ in range(4)]
    assert found == [1, 2, 2, 2], "once more after the last file of the spool went, and no more"
    ledger.erasures.add(begun.erasure_id, {}, [a_trace_id(2)])  # as a record of quarantine does
    assert [(erasing.go_on(), len(scans))[1] for _ in range(3)] == [3, 4, 4]
    assert store.read_run("default", a_trace_id(2)) is None


def test_a_run_that_was_being_assembled_during_the_erasure_goes_with_all_its_traces(store, ledger, monkeypatch):
    erasing = an_erasing(store, ledger)
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    monkeypatch.setattr(store, "old_bytes_gone", lambda _until_s: False)
    erasing.go_on()
    run = an_assembly(a_step(), a_step(ordinal=1), run_id=RunId(a_trace_id(1)), user_id=PERSON)
    store.write_derived(
        [structs.replace(run, steps=(run.steps[0], structs.replace(run.steps[1], trace_id=a_trace_id(2))))]
    )
    erasing.go_on()
    assert ledger.erasures.list()[0].traces == (a_trace_id(1), a_trace_id(2))
    assert store.read_run("default", a_trace_id(2)) is None


def test_a_trace_that_is_told_of_during_a_look_is_looked_for_before_it_is_finished(store, ledger):
    class Telling(Sealed):
        def clear(self, tombstone):
            ledger.erasures.add(tombstone.erasure_id, {}, [a_trace_id(2)])
            return Cleared()

    erasing = an_erasing(store, ledger, Telling())
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    assert [erasing.go_on() for _ in range(3)] == [0, 0, 1]
    assert store.read_run("default", a_trace_id(2)) is None


def test_an_erasure_that_fails_does_not_stop_those_behind_it(store, ledger):
    class Failing(Sealed):
        def clear(self, tombstone):
            if tombstone.target == PERSON:
                raise OSError("the disk")
            return Cleared()

    erasing = an_erasing(store, ledger, Failing())
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    erasing.erase("default", Subject.RUN, str(a_trace_id(2)), by="ann")
    assert erasing.go_on() == 1
    assert {e.target: e.finished_ns is not None for e in ledger.erasures.list()} == {PERSON: False, a_trace_id(2): True}


def test_who_waits_where_records_flow_looks_once_and_at_nothing_else(store, ledger):
    looks = []

    class Counting(Sealed):
        def clear(self, tombstone):
            looks.append(tombstone.target)
            return Cleared(waiting=1)

    erasing = an_erasing(store, ledger, Counting())
    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    erasing.erase("default", Subject.RUN, str(a_trace_id(2)), by="ann")
    assert erasing.wait(begun.erasure_id, 0.05, is_flowing=True, every_s=0.001).finished_ns is None
    assert looks == [PERSON], "the thread of the server looks after the rest"


def test_what_was_received_before_and_is_stored_later_goes_too(store, ledger):
    erasing = an_erasing(store, ledger, Sealed(held=(Held(1, 1),) * 2))
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(3), attributes={"text": PERSON})))
    erasing.go_on()
    assert store.find_traces("default", PERSON) == ()
    assert a_trace_id(3) in ledger.erasures.list()[0].traces


def test_what_the_person_does_afterwards_stays(store, ledger):
    erasing = an_erasing(store, ledger)
    erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    origin = an_origin(received_ns=time.time_ns() + 10**12)
    later = a_clean_span(a_span(trace_id=a_trace_id(3), attributes={"text": PERSON}), origin=origin)
    store.write_evidence(tables_for(later))
    assert erasing.go_on() == 1
    assert store.find_traces("default", PERSON) == (a_trace_id(3),)


def test_what_a_sealed_record_tells_of_the_person_is_erased_from_the_store(store, ledger):
    erasing = an_erasing(store, ledger, Sealed(Cleared(Counter(quarantined_items=2), {str(a_trace_id(2))})))
    begun = erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    finished(erasing, begun)
    assert store.read_run("default", a_trace_id(2)) is None


def test_what_a_crash_interrupted_is_finished_later(store, ledger, monkeypatch):
    erasing = an_erasing(store, ledger)
    erase = store.erase

    def crash(*_, **__):
        raise BusyError("the engine is busy")

    monkeypatch.setattr(store, "erase", crash)
    with pytest.raises(BusyError):
        erasing.erase("default", Subject.PERSON, PERSON, by="ann")
    again = an_erasing(store, ledger)
    assert again.go_on() == 0
    monkeypatch.setattr(store, "erase", erase)
    assert [again.go_on() for _ in range(3)] == [0, 1, 0]
    assert store.find_traces("default", PERSON) == ()
    assert ledger.erasures.list()[0].finished_ns


def test_a_restore_replays_every_tombstone_and_keeps_it(store, ledger, tmp_path):
    erasing = an_erasing(store, ledger)
    finished(erasing, erasing.erase("default", Subject.PERSON, PERSON, by="ann"))
    elsewhere = Ledger.open(f"sqlite:///{tmp_path / 'other.sqlite'}")
    for number in (1, 7):  # the backup holds a run of the person that had expired when they were erased
        store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(number), attributes={"text": PERSON})))
    assert an_erasing(store, elsewhere).replay(ledger.erasures.list()) > 0
    assert store.find_traces("default", PERSON) == ()
    (kept,) = elsewhere.erasures.list()
    assert (kept.finished_ns, set(kept.traces)) == (None, {a_trace_id(1), a_trace_id(7)})
    elsewhere.close()


def test_records_are_erased_only_with_a_reason_that_the_access_log_holds(store, ledger):
    ledger.periods.put(Period("default", "", 30, 400, is_record=True))
    for number, token, age_days in ((3, "<PERSON_zyxwvuts>", 0), (4, "<PERSON_oldoldol>", 185)):
        origin = an_origin(received_ns=time.time_ns() - age_days * 86_400 * 10**9)
        span = a_span(trace_id=a_trace_id(number), attributes={"text": token})
        store.write_evidence(tables_for(a_clean_span(span, origin=origin)))
    erasing = an_erasing(store, ledger)
    erasing.erase("default", Subject.PERSON, "<PERSON_oldoldol>", by="ann")  # its six months are over
    with pytest.raises(RefusedError, match="six months"):
        erasing.erase("default", Subject.PERSON, "<PERSON_zyxwvuts>", by="ann")
    assert len(ledger.erasures.list()) == 1
    erasing.erase("default", Subject.PERSON, "<PERSON_zyxwvuts>", by="ann", override="asked for by the person")
    assert ledger.audit.list()[0].detail["override"] == "asked for by the person"
    assert store.find_traces("default", "<PERSON_zyxwvuts>") == ()


@pytest.mark.parametrize(
    "target", ["", "a", "<SECRET>", "  x  ", "<PERSON_REMOVED>", "refund", "Maria Gonzalez", f"{PERSON} {PERSON}"]
)
def test_a_target_that_is_not_the_pseudonym_of_one_person_is_refused_and_kept_nowhere(store, ledger, target):
    erasing = an_erasing(store, ledger)
    with pytest.raises(RefusedError) as refused:
        erasing.preview("default", Subject.PERSON, target)
    with pytest.raises(RefusedError):
        erasing.erase("default", Subject.PERSON, target, by="ann")
    assert (ledger.erasures.list(), ledger.audit.list()) == ((), ())
    assert "Maria" not in str(refused.value)


def test_a_run_that_is_not_there_cannot_be_erased(store, ledger):
    with pytest.raises(NotFoundError):
        an_erasing(store, ledger).preview("default", Subject.RUN, str(a_trace_id(9)))
