from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from store.ledger.slots import SlotTotals
from tracetape.assembler import Backlog
from tracetape.delivery_check import health

counts = st.integers(0, 10_000)


@given(counts, counts, counts, counts, counts, counts, counts, counts)
def test_the_law_holds_for_any_numbers(stored, quarantined, dropped, expired, in_spool, refused, traces, unassembled):
    found = health(
        {"spans": SlotTotals(stored, quarantined, dropped, expired)},
        {"spans": in_spool},
        {"spans": refused},
        Backlog(traces, unassembled, 0),
    ).spans
    assert found.gap() == 0
    assert found.received == found.acked + found.refused
    assert min(found.pending, found.stored, found.acked) >= 0


def test_what_is_stored_but_not_assembled_is_still_pending():
    found = health({"spans": SlotTotals(stored=10)}, {}, {}, Backlog(2, 4, 0)).spans
    assert (found.stored, found.pending, found.acked) == (6, 4, 10)


def test_a_trace_that_is_assembled_again_keeps_the_check_pending():
    assert health({"spans": SlotTotals(stored=10)}, {}, {}, Backlog(1, 0, 0)).spans.pending == 1
