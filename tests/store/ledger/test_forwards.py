from __future__ import annotations

from dataclasses import replace

from store.ledger.forwards import ForwardRecord
from tests.builders import a_trace_id

FIRST = ForwardRecord("s1", 0, "default", (a_trace_id(1), a_trace_id(2)), 3, 100)
SECOND = ForwardRecord("s1", 1, "default", (a_trace_id(3),), 4, 90)


def test_the_journal_is_read_in_the_order_of_its_writing(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.append([SECOND])
    assert [replace(r, seq=0) for r in ledger.forwards.next(5)] == [FIRST, SECOND]
    assert [r.seq for r in ledger.forwards.next(1)] == [1]


def test_a_record_that_is_appended_again_stands_there_once(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.append([FIRST, SECOND])
    assert [r.slot for r in ledger.forwards.next(5)] == [0, 1]


def test_the_offset_only_grows_and_counts_each_batch_once(ledger, clock):
    ledger.forwards.append([FIRST, SECOND])
    state = ledger.forwards.state()
    assert (state.position, state.waiting, state.oldest_ns) == (0, 7, 90)
    ledger.forwards.advance(1, 3, 0)
    ledger.forwards.advance(1, 3, 0)
    state = ledger.forwards.state()
    assert (state.position, state.sent, state.waiting, state.sent_ns) == (1, 3, 4, clock.now_ns)
    ledger.forwards.advance(2, 3, 1)
    state = ledger.forwards.state()
    assert (state.position, state.sent, state.refused, state.waiting, state.oldest_ns) == (2, 6, 1, 0, 0)


def test_places_go_on_behind_the_offset_when_the_journal_was_empty(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.advance(1, 3, 0)
    ledger.forwards.append([SECOND])
    assert [r.seq for r in ledger.forwards.next(5)] == [2]


def test_trouble_stands_until_something_arrives(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.fail("The destination answered 503.")
    ledger.forwards.fail("The destination answered 502.")
    assert (ledger.forwards.state().trouble, ledger.forwards.state().failures) == ("The destination answered 502.", 2)
    ledger.forwards.advance(1, 3, 0)
    assert (ledger.forwards.state().trouble, ledger.forwards.state().failures) == ("", 2)
