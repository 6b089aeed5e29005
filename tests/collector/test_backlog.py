from __future__ import annotations

from collector.backlog import DAMAGED_FOLDER, Backlog
from collector.spool.format import Signal
from collector.spool.reader import segment_paths
from tests.collector.helpers import FakeSlots, Place
from tests.collector.test_broker import spooled


def backlog_of(place: Place, slots: FakeSlots) -> Backlog:
    return Backlog(place.spool, slots.settled, slots.forget_segment)


def test_pending_counts_items_until_they_are_settled(place: Place) -> None:
    spooled(place, ("a", "b"), ("c",))
    backlog = backlog_of(place, FakeSlots())
    assert backlog.look() == 2
    assert backlog.look() == 0
    assert backlog.pending(Signal.SPANS) == 3
    first, second = backlog.waiting(0)
    backlog.settle(first.segment, first.head.slot)
    assert backlog.settle(first.segment, first.head.slot) is None
    assert backlog.pending(Signal.SPANS) == 1
    backlog.remove_done()
    assert len(segment_paths(place.spool)) == 1
    backlog.settle(second.segment, second.head.slot)
    backlog.remove_done()
    assert segment_paths(place.spool) == []
    assert backlog.oldest_received_ns() is None
    backlog.close()


def test_a_segment_with_an_unreadable_header_is_set_aside(place: Place) -> None:
    spooled(place, ("a",))
    spooled(place, ("b",))
    damaged, _ = segment_paths(place.spool)
    damaged.write_bytes(b"not a segment" * 50)
    backlog = backlog_of(place, FakeSlots())
    assert backlog.look() == 1
    assert [p.name for p in (place.spool / DAMAGED_FOLDER).iterdir()] == [damaged.name]
    assert backlog.damaged_bytes == 650
    backlog.close()


def test_a_segment_under_a_false_name_is_set_aside(place: Place) -> None:
    spooled(place, ("a",))
    (path,) = segment_paths(place.spool)
    path.rename(place.spool / "0000000000000001-00000001.seg")
    backlog = backlog_of(place, FakeSlots())
    assert backlog.look() == 0
    assert segment_paths(place.spool) == []
    backlog.close()


def test_a_segment_cut_by_a_kill_is_final_and_counts_its_torn_bytes(place: Place) -> None:
    spooled(place, ("a",), ("b",))
    (path,) = segment_paths(place.spool)
    path.write_bytes(path.read_bytes()[:-80])
    backlog = backlog_of(place, FakeSlots())
    assert backlog.look() == 1
    assert backlog.torn_bytes > 0
    assert backlog.lost_slots == 0
    backlog.close()


def test_a_segment_that_somebody_removed_stops_nobody(place: Place) -> None:
    writer = spooled(place, ("a",), close=False)
    backlog = backlog_of(place, FakeSlots())
    backlog.look()
    (path,) = segment_paths(place.spool)
    path.unlink()
    backlog.look()
    assert backlog.pending(Signal.SPANS) == 1
    backlog.close()
    writer.close(5)
