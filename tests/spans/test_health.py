"""The conservation law: every acknowledged item is in exactly one place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spans.health import Health, IngestStatus, SignalCount

COUNT = st.integers(0, 10**12)


@given(COUNT, COUNT, COUNT, COUNT, COUNT)
def test_items_that_are_all_somewhere_leave_no_gap(pending, stored, quarantined, dropped, expired):
    count = SignalCount(
        acked=pending + stored + quarantined + dropped + expired,
        pending=pending,
        stored=stored,
        quarantined=quarantined,
        dropped_by_person=dropped,
        expired=expired,
    )
    assert count.gap() == 0


def test_a_lost_item_is_a_positive_gap_and_a_doubled_one_a_negative():
    assert SignalCount(acked=10, stored=9).gap() == 1
    assert SignalCount(acked=10, stored=11).gap() == -1


def test_refused_items_are_outside_the_law():
    assert SignalCount(received=12, acked=10, refused=2, stored=10).gap() == 0


def test_nothing_received_is_healthy():
    assert Health().spans.gap() == Health().logs.gap() == 0
    assert IngestStatus().receiver_ready is False
