from __future__ import annotations

import pytest

from collector.broker import Delivery
from spans.ids import TraceId
from store.ledger import Ledger
from store.ledger.erasures import Subject
from store.ledger.slots import SlotKey
from tests.builders import a_clean_span, a_trace_id
from tests.store.contract import tables_for
from tracetape.erased_arrivals import ErasedArrivals

PERSON = "<PERSON_abcdefgh>"


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=lambda: 1_000)
    yield opened
    opened.close()


def a_delivery(*texts: str, received_ns: int = 900, project: str = "default") -> Delivery:
    """One record with a span of its own trace per text."""
    spans = [a_clean_span(trace_id=a_trace_id(n), attributes={"text": text}) for n, text in enumerate(texts, 1)]
    tables = tables_for(*spans)
    traces = tuple(a_trace_id(n) for n in range(1, len(texts) + 1))
    return Delivery(SlotKey("s", 1), "spans", project, received_ns, len(texts), tables, traces)


def stored(delivery: Delivery) -> set[str]:
    return set(delivery.tables["spans"].column("trace_id").to_pylist())


def begin(ledger: Ledger, subject: Subject, target: str, *traces: TraceId) -> str:
    return ledger.erasures.begin("default", subject, target, traces, by="ann").erasure_id


def test_what_a_person_said_before_their_erasure_is_not_stored_after_it(ledger):
    erasure = begin(ledger, Subject.PERSON, PERSON)
    ledger.erasures.finish(erasure)
    made = ErasedArrivals(ledger.erasures).strain_delivery(a_delivery(f"to {PERSON}", "nobody"))
    assert stored(made) == {a_trace_id(2)}
    assert {len(table) for table in made.tables.values()} <= {0, 1}
    assert (made.traces, made.items, made.erased) == ((a_trace_id(2),), 2, 1)
    kept = ledger.erasures.find(erasure)
    assert (kept.traces, kept.removed) == ((a_trace_id(1),), {"arrived_later": 1})
    assert kept.finished_ns is None, "rows of the same trace may have been stored before"


def test_what_a_person_does_afterwards_is_kept(ledger):
    begin(ledger, Subject.PERSON, PERSON)
    delivery = a_delivery(f"to {PERSON}", received_ns=1_001)
    assert ErasedArrivals(ledger.erasures).strain_delivery(delivery) is delivery


def test_an_erased_trace_stays_erased_however_late_the_rest_of_it_comes(ledger):
    erasure = begin(ledger, Subject.RUN, str(a_trace_id(2)), a_trace_id(2))
    made = ErasedArrivals(ledger.erasures).strain_delivery(a_delivery("one", "two", received_ns=10**18))
    assert stored(made) == {a_trace_id(1)}
    assert ledger.erasures.find(erasure).removed == {"arrived_later": 1}


def test_another_project_has_nothing_to_do_with_it(ledger):
    begin(ledger, Subject.RUN, str(a_trace_id(1)), a_trace_id(1))
    begin(ledger, Subject.PERSON, PERSON)
    delivery = a_delivery(PERSON, project="other")
    assert ErasedArrivals(ledger.erasures).strain_delivery(delivery) is delivery


def test_a_tombstone_counts_from_the_moment_it_is_told(ledger):
    arrivals = ErasedArrivals(ledger.erasures)
    tombstone = ledger.erasures.begin("default", Subject.PERSON, PERSON, (), by="ann")
    arrivals.learn(tombstone)
    assert arrivals.strain_delivery(a_delivery(PERSON)).erased == 1


def test_an_older_answer_that_comes_last_takes_no_trace_back(ledger):
    arrivals = ErasedArrivals(ledger.erasures)
    older = ledger.erasures.begin("default", Subject.RUN, str(a_trace_id(1)), [a_trace_id(1)], by="ann")
    arrivals.learn(ledger.erasures.add(older.erasure_id, {}, [a_trace_id(2)]))
    arrivals.learn(older)
    assert arrivals.strain_delivery(a_delivery("one", "two")).erased == 2


def test_an_original_that_is_redacted_later_is_strained_by_what_its_rows_say(ledger):
    begin(ledger, Subject.RUN, str(a_trace_id(1)), a_trace_id(1))
    tables = ErasedArrivals(ledger.erasures).strain_tables(a_delivery("one", "two").tables)
    assert set(tables["facts"].column("trace_id").to_pylist()) == {a_trace_id(2)}
    assert ErasedArrivals(ledger.erasures).strain_tables({}) == {}
