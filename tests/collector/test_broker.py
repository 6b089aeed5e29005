from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from collector import broker as broker_module
from collector.broker import Broker, BrokerSettings
from collector.quarantine import DAY_NS, expire_withheld
from collector.rework import NotRedactedError
from collector.spool.format import Payload, Signal
from collector.spool.keys import ensure_spool_keys, load_seal_key
from collector.spool.reader import segment_paths
from collector.spool.writer import SpoolSettings, SpoolWriter
from spans.errors import BusyError, NotFoundError
from store.ledger import Ledger
from tests.collector.helpers import CollectingSink, FakeSlots, Place, traces, wait_until, workers


@contextmanager
def a_broker(place: Place, slots: Any, sink: CollectingSink, **options: Any) -> Iterator[Broker]:
    broker = Broker(BrokerSettings(place.spool, place.keys, place.socket), slots, sink, **options)
    sink.confirm = broker.confirm
    broker.start()
    try:
        yield broker
    finally:
        broker.stop(0.5)


@contextmanager
def a_ledger(place: Place) -> Iterator[Ledger]:
    ledger = Ledger.open(place.ledger)
    try:
        yield ledger
    finally:
        ledger.close()


def spooled(place: Place, *batches: tuple[str, ...], close: bool = True) -> SpoolWriter:
    """Write one record per batch, as the receiver would."""
    ensure_spool_keys(place.keys)
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys), SpoolSettings())
    writer.start()
    for number, names in enumerate(batches):
        otlp = traces(*names, first=number * 100 + 1).SerializeToString()
        writer.offer(Signal.SPANS, "default", len(names), Payload(otlp)).result(5)
    if close:
        writer.close(5)
    return writer


def test_what_was_spooled_is_delivered_once_and_its_segment_removed(place: Place) -> None:
    spooled(place, ("a", "b"), ("c",))
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place):
        assert broker.status().pending_spans == 3
        wait_until(lambda: broker.status().pending_spans == 0)
        wait_until(lambda: not segment_paths(place.spool))
        assert broker.status().acked_spans == 3
    assert sorted(sink.names()) == ["a", "b", "c"]
    assert len(sink.deliveries) == 2
    assert slots.rows == {}
    assert not [p for p in place.spool.iterdir() if p.is_file()]


def test_records_are_delivered_while_the_receiver_still_writes_the_segment(place: Place) -> None:
    writer = spooled(place, ("a",), close=False)
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place):
        wait_until(lambda: sink.names() == ["a"])
        writer.offer(Signal.SPANS, "default", 1, Payload(traces("b").SerializeToString())).result(5)
        wait_until(lambda: sink.names() == ["a", "b"])
        assert len(segment_paths(place.spool)) == 1
        writer.close(5)
        wait_until(lambda: not segment_paths(place.spool))
        assert broker.status().pending_spans == 0


def test_a_record_that_kills_its_worker_is_quarantined_and_its_neighbours_are_stored(place: Place) -> None:
    spooled(place, ("a",), ("die",), ("b",), ("c",))
    slots = FakeSlots()
    sink = CollectingSink(slots)
    told: list[Any] = []
    with a_broker(place, slots, sink, on_quarantine=told.append) as broker, workers(place):
        wait_until(lambda: broker.status().pending_spans == 0, 60)
        assert sorted(sink.names()) == ["a", "b", "c"]
        assert slots.kept["spans"] == {"stored": 3, "quarantined": 1}
        (kept,) = broker.quarantine.list()
        assert "stopped 3 times" in kept.reason
        assert told == [kept]
        from collector.spool.keys import load_key_ring

        assert b"die" in broker.quarantine._files.read(kept.name, load_key_ring(place.keys)).otlp
        assert b"die" not in b"".join(p.read_bytes() for p in place.spool.rglob("*") if p.is_file())


def test_a_record_that_fails_is_tried_three_times_and_says_only_the_kind_of_trouble(place: Place) -> None:
    spooled(place, ("raise",), ("a",))
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place):
        wait_until(lambda: broker.status().pending_spans == 0, 30)
        (kept,) = broker.quarantine.list()
        assert kept.reason == "It could not be processed (ValueError), 3 times."
        assert sink.names() == ["a"]
        assert set(slots.attempts.values()) == {1, 3}


@pytest.mark.parametrize("poison", ["die", "raise"])
def test_only_the_poisonous_item_of_a_record_is_set_aside(place: Place, poison: str) -> None:
    names = [f"s{n}" for n in range(500)]
    spooled(place, ("before",), (*names[:301], poison, *names[301:]), ("after",))
    with a_ledger(place) as ledger:
        sink = CollectingSink(ledger.slots)
        with a_broker(place, ledger.slots, sink) as broker, workers(place):
            wait_until(lambda: broker.status().pending_spans == 0, 60)
            totals = ledger.slots.totals()["spans"]
            assert (totals.stored, totals.quarantined) == (502, 1)
            (kept,) = broker.quarantine.list()
            assert kept.items == 1
            assert broker.status().acked_spans == 503
            assert sorted(sink.names()) == sorted([*names, "before", "after"])
            wait_until(lambda: not segment_paths(place.spool))


def test_a_quarantined_record_is_driven_again_dropped_or_expires_and_every_item_stays_counted(place: Place) -> None:
    spooled(place, ("raise", "a"), ("raise", "b"), ("raise", "c"))
    with a_ledger(place) as ledger:
        sink = CollectingSink(ledger.slots)

        def counted() -> tuple[int, int, int, int, int]:
            t = ledger.slots.totals()["spans"]
            return (broker.status().acked_spans, t.stored, t.quarantined, t.dropped_by_person, t.expired)

        with a_broker(place, ledger.slots, sink) as broker, workers(place):
            wait_until(lambda: broker.status().pending_spans == 0, 60)
            assert counted() == (6, 3, 3, 0, 0)
            first, second, _ = broker.quarantine.list()
            assert broker.quarantine.redrive(first.name) == 1
            assert broker.status().acked_spans == 6, "it is pending again, and counted once"
            wait_until(lambda: broker.status().pending_spans == 0, 60)
            assert counted() == (6, 3, 3, 0, 0), "still poisonous, so it came back under another name"
            assert first.name not in {k.name for k in broker.quarantine.list()}
            assert broker.quarantine.drop(second.name) == 1
            assert counted() == (6, 3, 2, 1, 0)
            with pytest.raises(NotFoundError, match="quarantine list"):
                broker.quarantine.drop(second.name)
            assert broker.quarantine.expire(time.time_ns()) == 0
            assert broker.quarantine.expire(time.time_ns() + 8 * DAY_NS) == 2
            assert counted() == (6, 3, 0, 1, 2)
            assert list((place.spool / "quarantine").iterdir()) == []


def test_what_can_be_processed_now_is_stored_when_it_is_driven_again(place: Place) -> None:
    spooled(place, ("raise",))
    with a_ledger(place) as ledger:
        sink = CollectingSink(ledger.slots)
        with a_broker(place, ledger.slots, sink) as broker, workers(place):
            wait_until(lambda: bool(broker.quarantine.list()), 60)
        repaired = "tests.collector.helpers:build_mild"
        with a_broker(place, ledger.slots, sink) as broker, workers(place, pipeline=repaired):
            (kept,) = broker.quarantine.list()
            broker.quarantine.redrive(kept.name)
            wait_until(lambda: ledger.slots.totals()["spans"].stored == 1, 30)
            assert broker.status().acked_spans == 1
            wait_until(lambda: not segment_paths(place.spool))
    assert sink.names() == ["raise"]


def test_a_crash_at_any_step_of_setting_aside_or_driving_again_counts_every_item_once(place: Place) -> None:
    spooled(place, ("raise",))
    with a_ledger(place) as ledger:
        slots = ledger.slots
        with a_broker(place, slots, CollectingSink(slots)) as broker, workers(place):
            wait_until(lambda: bool(broker.quarantine.list()), 60)
            (kept,) = broker.quarantine.list()
        slots.reopen(kept.name)  # a crash between the ledger and the rename
        assert slots.totals()["spans"].quarantined == 0
        with a_broker(place, slots, CollectingSink(slots)) as broker:
            assert broker.status().acked_spans == 1
            assert broker.quarantine.list() == (kept,)
        slots.settle([replace(broker.quarantine.row(kept), state="dropped_by_person")])  # a crash before the file goes
        with a_broker(place, slots, CollectingSink(slots)) as broker:
            assert broker.status().acked_spans == 1
            assert not list((place.spool / "quarantine").glob("*.seg"))


def test_a_file_set_aside_but_never_counted_is_removed_when_its_slot_still_waits(place: Place) -> None:
    spooled(place, ("a",))
    with a_ledger(place) as ledger:
        with a_broker(place, ledger.slots, CollectingSink(ledger.slots)) as broker:
            (slot,) = broker._backlog.waiting(time.monotonic())
            broker.quarantine.put(slot.segment, slot.head, broker._read(slot), "x", load_seal_key(place.keys))
        sink = CollectingSink(ledger.slots)
        with a_broker(place, ledger.slots, sink) as broker, workers(place):
            assert not list((place.spool / "quarantine").glob("*.seg"))
            wait_until(lambda: broker.status().pending_spans == 0)
            assert ledger.slots.totals()["spans"].stored == 1


def test_withheld_originals_are_destroyed_after_their_time(place: Place) -> None:
    spooled(place, ("withhold", "a"))
    slots = FakeSlots()
    with a_broker(place, slots, CollectingSink(slots)) as broker, workers(place):
        wait_until(lambda: bool(broker.withheld.list()))
        assert expire_withheld(broker.withheld) == 0
        assert expire_withheld(broker.withheld, time.time_ns() + 8 * DAY_NS) == 1
        assert broker.withheld.list() == ()


def test_killed_workers_lose_nothing(place: Place) -> None:
    spooled(place, *[(f"s{n}",) for n in range(300)])
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place, 2) as running:
        for _ in range(6):
            time.sleep(0.3)
            os.kill(running[0].pid, signal.SIGKILL)
        wait_until(lambda: broker.status().pending_spans == 0, 60)
        assert slots.kept["spans"] == {"stored": 300}
    assert sorted(sink.names()) == sorted(f"s{n}" for n in range(300))


def test_a_new_main_goes_on_where_the_old_one_stopped(place: Place) -> None:
    spooled(place, *[(f"s{n}",) for n in range(50)])
    with a_ledger(place) as ledger:
        slots = ledger.slots
        first = CollectingSink(slots)
        first.is_open = False
        with a_broker(place, slots, first) as broker, workers(place):
            wait_until(lambda: len(first.deliveries) >= 50)
            for delivery in first.deliveries[:20]:
                first.finish(delivery)
            assert broker.status().pending_spans == 30
        second = CollectingSink(slots)
        with a_broker(place, slots, second) as broker, workers(place):
            assert broker.status().acked_spans == 50
            wait_until(lambda: broker.status().pending_spans == 0)
            wait_until(lambda: not segment_paths(place.spool))
        assert len(second.deliveries) == 30
        assert slots.totals()["spans"].stored == 50


def test_a_store_that_stands_still_holds_the_workers_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.broker.DELIVERED_MAX", 3)
    spooled(place, *[(f"s{n}",) for n in range(200)])
    slots = FakeSlots()
    sink = CollectingSink(slots)
    sink.is_open = False
    with a_broker(place, slots, sink) as broker, workers(place):
        wait_until(lambda: len(sink.deliveries) >= 3)
        time.sleep(0.5)
        assert len(sink.deliveries) < 150
        assert broker.status().pending_spans == 200


def test_a_search_text_goes_before_records(place: Place) -> None:
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker:
        with pytest.raises(BusyError, match="loading"):
            broker.redact_text("shop", "anna@example.com")
        with workers(place):
            wait_until(lambda: broker.status().workers_ready == 1)
            assert broker.redact_text("shop", "hello") == "shop:HELLO"
            spooled(place, ("slow",), ("slow",), ("slow",))
            wait_until(lambda: any(c.bundles for c in broker._connections))
            started = time.monotonic()
            assert broker.redact_text("shop", "now") == "shop:NOW"
            assert time.monotonic() - started < 2.5


def test_a_withheld_original_stays_sealed_beside_the_spool(place: Place) -> None:
    spooled(place, ("withhold", "a"))
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place):
        wait_until(lambda: not segment_paths(place.spool))
        assert sink.deliveries[0].withheld == 1
        (kept,) = broker.withheld.list()
        assert kept.items == 2
        again = broker.rework(kept)
        assert again.withheld == 1
        assert again.tables["names"]["name"].to_pylist() == ["withhold", "a"]
        assert again.traces
        assert len(sink.deliveries) == 1, "what is tried again is not counted again"


def test_an_original_that_a_worker_cannot_read_now_was_not_tried_in_vain(place: Place) -> None:
    spooled(place, ("withhold", "a"))
    slots = FakeSlots()
    with a_broker(place, slots, CollectingSink(slots)) as broker:
        with workers(place):
            wait_until(lambda: not segment_paths(place.spool))
        wait_until(lambda: broker.status().workers_ready == 0)
        with workers(place, pipeline="tests.collector.helpers:build_handleless"):
            wait_until(lambda: broker.status().workers_ready == 1)
            with pytest.raises(BusyError) as caught:
                broker.rework(broker.withheld.list()[0])
            assert not isinstance(caught.value, NotRedactedError), "an erasure destroys what was tried in vain"


def test_a_damaged_record_is_settled_as_quarantined_and_the_rest_is_stored(place: Place) -> None:
    spooled(place, ("a",), ("b",), ("c",))
    (path,) = segment_paths(place.spool)
    raw = bytearray(path.read_bytes())
    from collector.spool.reader import SegmentReader

    reader = SegmentReader(path)
    second = reader.scan().records[1]
    reader.close()
    raw[second.offset + second.head_bytes + 5] ^= 1
    path.write_bytes(raw)
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place):
        wait_until(lambda: broker.status().pending_spans == 0, 30)
        assert slots.kept["spans"] == {"stored": 2, "quarantined": 1}
    assert sorted(sink.names()) == ["a", "c"]


def test_a_stranger_on_the_socket_changes_nothing(place: Place) -> None:
    from collector.handoff import connect

    slots = FakeSlots()
    sink = CollectingSink(slots)
    spooled(place, ("a",))
    with a_broker(place, slots, sink) as broker:
        sock = connect(place.socket)
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
        assert place.socket.stat().st_mode & 0o077 == 0
        with workers(place):
            wait_until(lambda: broker.status().pending_spans == 0)
        sock.close()


@pytest.mark.parametrize("names", [("raise",), ("a", "raise", "b")])
def test_what_cannot_be_set_aside_on_a_full_disk_stays_pending_until_it_can(
    place: Place, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(broker_module, "AGAIN_S", 0.1)
    monkeypatch.setattr(broker_module, "RETRY_PAUSE_S", 0.05)
    spooled(place, names)
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place):
        put, tries = broker.quarantine.put, []

        def full(*_: Any) -> Any:
            tries.append(1)
            raise OSError(errno.ENOSPC, "No space left on device")

        broker.quarantine.put = full  # type: ignore[method-assign]
        wait_until(lambda: len(tries) > 2, 60)
        status = broker.status()
        assert (status.pending_spans, status.acked_spans) == (len(names), len(names))
        assert sink.names() == []
        broker.quarantine.put = put  # type: ignore[method-assign]
        wait_until(lambda: broker.status().pending_spans == 0)
        assert [kept.items for kept in broker.quarantine.list()] == [1]
        assert sorted(sink.names()) == sorted(set(names) - {"raise"})
        assert broker.status().acked_spans == len(names)


def test_a_ledger_that_is_busy_when_records_are_handed_out_strands_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the oracle: the places of the workers stayed taken by records that were never sent."""
    monkeypatch.setattr(broker_module, "RETRY_PAUSE_S", 0.05)
    spooled(place, ("a",), ("b",), ("c",))
    slots = FakeSlots()
    attempt, busy = slots.attempt, iter(range(4))

    def sometimes(keys: Any) -> Any:
        if next(busy, None) is not None:
            raise BusyError("database is locked")
        return attempt(keys)

    slots.attempt = sometimes  # type: ignore[method-assign]
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker, workers(place, 2):
        wait_until(lambda: broker.status().pending_spans == 0, 60)
        assert sorted(sink.names()) == ["a", "b", "c"]
        assert next(busy, None) is None
