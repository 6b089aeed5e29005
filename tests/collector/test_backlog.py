from __future__ import annotations

import zlib

import pytest

from collector.backlog import DAMAGED_FOLDER, Backlog
from collector.quarantine import LOST
from collector.spool.format import KEY_OFFSET, SECOND_HEADER_AT, Signal
from collector.spool.reader import SegmentReader, segment_paths
from spans.errors import NotFoundError
from tests.collector.helpers import CollectingSink, FakeSlots, Place
from tests.collector.test_broker import a_broker, a_ledger, spooled


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
    path.write_bytes(path.read_bytes()[:-200])
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


def test_what_is_damaged_beyond_recognition_is_counted_once_and_for_good(place: Place) -> None:
    """The heads around it say how many items it held: acked stays what it was, whatever the disk does."""
    spooled(place, ("a",), ("b", "c"), ("d", "e", "f"), ("g",))
    (path,) = segment_paths(place.spool)
    reader = SegmentReader(path)
    refs = reader.scan().records
    reader.close()
    raw = bytearray(path.read_bytes())
    raw[refs[1].offset : refs[2].end] = bytes(refs[2].end - refs[1].offset)
    path.write_bytes(raw)
    with a_ledger(place) as ledger:
        for _restart in range(3):
            with a_broker(place, ledger.slots, CollectingSink(ledger.slots)) as broker:
                status = broker.status()
                assert (status.acked_spans, status.pending_spans, status.lost_records) == (7, 2, 2)
                assert ledger.slots.totals()["spans"].quarantined == 5
                (kept,) = broker.quarantine.list()
                assert (kept.items, kept.reason) == (5, LOST)
                with pytest.raises(NotFoundError, match="can only be dropped"):
                    broker.quarantine.redrive(kept.name)
        with a_broker(place, ledger.slots, CollectingSink(ledger.slots)) as broker:
            broker.quarantine.drop(kept.name)
        with a_broker(place, ledger.slots, CollectingSink(ledger.slots)) as broker:
            assert (broker.status().acked_spans, broker.quarantine.list()) == (7, ())
            assert ledger.slots.totals()["spans"].dropped_by_person == 5


def test_a_segment_of_a_newer_version_stays_where_it_is(place: Place) -> None:
    spooled(place, ("a",))
    (path,) = segment_paths(place.spool)
    raw = bytearray(path.read_bytes())
    for at in (0, SECOND_HEADER_AT):
        raw[at + 8] = 9
        raw[at + KEY_OFFSET - 4 : at + KEY_OFFSET] = zlib.crc32(raw[at : at + KEY_OFFSET - 4]).to_bytes(4, "big")
    path.write_bytes(raw)
    backlog = backlog_of(place, FakeSlots())
    assert backlog.look() == backlog.look() == 0
    backlog.remove_done()
    assert segment_paths(place.spool) == [path]
    assert backlog.newer_segments == 1
    backlog.close()
