from __future__ import annotations

from dataclasses import replace

import pytest

from store.ledger.forwards import Done, ForwardRecord
from tests.builders import a_trace_id

FIRST = ForwardRecord("s1", 0, "default", (a_trace_id(1), a_trace_id(2)), 3, 100)
SECOND = ForwardRecord("s1", 1, "default", (a_trace_id(3),), 4, 90)


def test_the_journal_is_read_in_the_order_of_its_writing(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.append([SECOND])
    assert [replace(r, seq=0) for r in ledger.forwards.next("spans", 5)] == [FIRST, SECOND]
    assert [r.seq for r in ledger.forwards.next("spans", 1)] == [1]


def test_a_record_that_is_appended_again_stands_there_once(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.append([FIRST, SECOND])
    assert [r.slot for r in ledger.forwards.next("spans", 5)] == [0, 1]


def test_the_offset_only_grows_and_counts_each_batch_once(ledger, clock):
    ledger.forwards.append([FIRST, SECOND])
    state = ledger.forwards.state("spans")
    assert (state.position, state.waiting, state.oldest_ns) == (0, 7, 90)
    ledger.forwards.advance("spans", Done(1, 3, 0))
    ledger.forwards.advance("spans", Done(1, 3, 0))
    state = ledger.forwards.state("spans")
    assert (state.position, state.sent, state.waiting, state.sent_ns) == (1, 3, 4, clock.now_ns)
    ledger.forwards.advance("spans", Done(2, 3, 1))
    state = ledger.forwards.state("spans")
    assert (state.position, state.sent, state.refused, state.waiting, state.oldest_ns) == (2, 6, 1, 0, 0)


def test_places_go_on_behind_the_offset_when_the_journal_was_empty(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.advance("spans", Done(1, 3, 0))
    ledger.forwards.append([SECOND])
    assert [r.seq for r in ledger.forwards.next("spans", 5)] == [2]


def test_trouble_stands_until_something_arrives(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.fail("spans", "The destination answered 503.")
    ledger.forwards.fail("spans", "The destination answered 502.")
    assert (ledger.forwards.state("spans").trouble, ledger.forwards.state("spans").failures) == (
        "The destination answered 502.",
        2,
    )
    ledger.forwards.advance("spans", Done(1, 3, 0))
    assert (ledger.forwards.state("spans").trouble, ledger.forwards.state("spans").failures) == ("", 2)


DAY_NS = 86_400 * 10**9


def many(count, received_ns=lambda n: 1_000 + n, signal="spans"):
    return [
        ForwardRecord("s1", n, "default", (a_trace_id(n + 1),), 2, received_ns(n), signal=signal) for n in range(count)
    ]


def test_each_signal_has_an_offset_of_its_own(ledger):
    log = ForwardRecord("s1", 2, "default", (a_trace_id(1),), 5, 70, signal="logs")
    ledger.forwards.append([FIRST, log, SECOND])
    assert [r.slot for r in ledger.forwards.next("logs", 5)] == [2]
    ledger.forwards.advance("spans", Done(3, 7))
    ledger.forwards.fail("logs", "The destination answered 404.")
    spans, logs = ledger.forwards.state("spans"), ledger.forwards.state("logs")
    assert (spans.position, spans.sent, spans.waiting, spans.trouble) == (3, 7, 0, "")
    assert (logs.position, logs.waiting, logs.oldest_ns, logs.trouble) == (0, 5, 70, "The destination answered 404.")


def test_a_place_is_never_given_twice_whichever_signal_came_last(ledger):
    ledger.forwards.append([FIRST])
    ledger.forwards.advance("spans", Done(1, 3))
    ledger.forwards.append([replace(SECOND, signal="logs")])
    assert [r.seq for r in ledger.forwards.next("logs", 5)] == [2]


def test_a_long_journal_becomes_one_period_behind_what_may_be_on_its_way(ledger):
    ledger.forwards.append(many(10))
    ledger.forwards.fold("spans", 3)
    *head, period = ledger.forwards.next("spans", 99)
    assert [r.slot for r in head] == [0, 1, 2]
    assert (period.received_ns, period.until_ns, period.items, period.seq) == (1_003, 1_009, 14, 10)
    assert ledger.forwards.state("spans").waiting == 20
    ledger.forwards.append([replace(FIRST, segment="s2")])
    assert ledger.forwards.next("spans", 99)[-1].seq == 11


def test_a_journal_of_any_length_is_small_after_it_was_folded_and_folded_again(ledger):
    for round_ in range(5):
        ledger.forwards.append([replace(r, segment=f"s{round_}") for r in many(50, (1_000 + round_ * 50).__add__)])
        ledger.forwards.fold("spans", 3)
        assert ledger.forwards.size("spans")[0] == 4
    assert ledger.forwards.next("spans", 9)[-1].until_ns == 1_249
    assert ledger.forwards.state("spans").waiting == 500


def test_a_period_is_of_one_day_as_what_is_stored_expires_by_the_day(ledger):
    ledger.forwards.append(many(6, lambda n: n // 2 * DAY_NS + n))
    ledger.forwards.fold("spans", 0)
    periods = ledger.forwards.next("spans", 9)
    assert [(p.received_ns // DAY_NS, p.items) for p in periods] == [(0, 4), (1, 4), (2, 4)]
    assert [p.seq for p in periods] == [4, 5, 6]


def test_spans_and_logs_that_arrived_in_turn_over_days_are_folded_each_by_itself(ledger):
    spans = many(8, lambda n: n // 4 * DAY_NS + n)
    for span in spans:
        ledger.forwards.append([span, replace(span, segment="logs", signal="logs")])
    for signal in ("spans", "logs"):
        ledger.forwards.fold(signal, 1)
        head, *periods = ledger.forwards.next(signal, 9)
        assert (head.slot, [p.items for p in periods]) == (0, [6, 8])
        assert head.seq < periods[0].seq < periods[1].seq
        assert ledger.forwards.state(signal).waiting == 16


def test_nothing_is_folded_where_there_is_nothing_to_win(ledger):
    ledger.forwards.append(many(4))
    ledger.forwards.fold("spans", 3)
    assert [r.until_ns for r in ledger.forwards.next("spans", 9)] == [0] * 4


def test_a_period_goes_on_where_it_was_left_and_counts_each_part_once(ledger):
    ledger.forwards.append(many(10))
    ledger.forwards.fold("spans", 0)
    for _ in range(2):
        ledger.forwards.advance("spans", Done(10, 8, resume_ns=1_004, items=8))
    [period] = ledger.forwards.next("spans", 9)
    assert (period.received_ns, period.items) == (1_004, 12)
    assert (ledger.forwards.state("spans").sent, ledger.forwards.state("spans").position) == (8, 0)
    for _ in range(2):
        ledger.forwards.advance("spans", Done(10, 12))
    assert (ledger.forwards.state("spans").sent, ledger.forwards.state("spans").waiting) == (20, 0)


def test_what_was_gone_is_counted_with_its_times(ledger):
    ledger.forwards.append([FIRST, SECOND])
    ledger.forwards.advance("spans", Done(1, 0, gone=3, gone_from_ns=90, gone_until_ns=100))
    ledger.forwards.advance("spans", Done(1, 0, gone=3, gone_from_ns=90, gone_until_ns=100))
    ledger.forwards.advance("spans", Done(2, 0, gone=4, gone_from_ns=110, gone_until_ns=120))
    state = ledger.forwards.state("spans")
    assert (state.gone, state.gone_from_ns, state.gone_until_ns) == (7, 90, 120)


@pytest.mark.parametrize("head", [0, 2])
def test_what_was_on_its_way_while_the_journal_was_folded_is_not_lost(ledger, head):
    ledger.forwards.append(many(10))
    on_its_way = ledger.forwards.next("spans", 2)
    ledger.forwards.fold("spans", head)
    ledger.forwards.advance("spans", Done(on_its_way[-1].seq, 4))
    [period] = ledger.forwards.next("spans", 9)
    assert (period.received_ns, period.until_ns) == (1_000 + head, 1_009)
