from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pytest

from collector.broker import Delivery
from spans.errors import BusyError
from spans.ids import TraceId
from store.ledger.slots import SlotKey
from tracetape import pump as pump_module
from tracetape.pump import Pump

TRACE = TraceId("ab" * 16)


class Recorder:
    """Store, ledger, assembler and broker in one: remembers what happened in which order."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[str] = []
        self.rows: list[int] = []
        self.marks: dict[TraceId, tuple[int, int]] = {}
        self.failures = failures
        self.confirmed = threading.Event()
        self.full_ledger = 0
        self.lowered: list[int] = []

    def write_evidence(self, tables: Mapping[str, pa.Table]) -> None:
        if self.failures:
            self.failures -= 1
            raise BusyError("the disk is full")
        self.events.append("store")
        self.rows.append(sum(table.num_rows for table in tables.values()))

    def lower(self, received_ns: int) -> None:
        self.lowered.append(received_ns)

    def settle(self, rows) -> None:
        if self.full_ledger:
            self.full_ledger -= 1
            raise OSError("database or disk is full")
        self.settled = rows
        self.events.append("settle")

    def mark(self, project, traces, *, neighbours_too=True) -> None:
        self.events.append("mark")
        self.marks.update(traces)

    def confirm(self, keys) -> None:
        self.events.append("confirm")
        self.confirmed.set()


def a_delivery(slot: int = 0, signal: str = "spans") -> Delivery:
    ids, item = ["a", "b"], "span_id" if signal == "spans" else "log_id"
    columns = {"trace_id": [TRACE] * 2, item: ids, "segment": ["segment"] * 2, "slot": [slot] * 2}
    table = pa.table({"project": ["default"] * 2, **columns, "redaction": ["full", "withheld"]})
    return Delivery(SlotKey("segment", slot), signal, "default", 1, 2, {signal: table}, (TRACE,))


def run(recorder: Recorder, *deliveries: Delivery) -> None:
    pump = Pump(recorder, recorder, recorder, recorder)
    for delivery in deliveries:
        pump.offer(delivery)
    pump.start(recorder)
    assert recorder.confirmed.wait(5)
    pump.stop(5)


def test_a_slot_is_confirmed_only_after_the_store_the_ledger_and_the_mark():
    recorder = Recorder()
    run(recorder, a_delivery())
    assert recorder.events == ["store", "settle", "mark", "confirm"]


def test_what_waits_is_written_in_one_insert():
    recorder = Recorder()
    run(recorder, a_delivery(0), a_delivery(1), a_delivery(2, "logs"))
    assert recorder.rows == [6]
    assert recorder.marks == {TRACE: (4, 2)}


def test_a_trickle_is_stored_together_and_the_first_after_a_pause_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pump_module, "BEAT_S", 30.0)
    monkeypatch.setattr(pump_module, "AHEAD_S", 30.0)
    recorder = Recorder()
    pump = Pump(recorder, recorder, recorder, recorder)
    pump.start(recorder)
    for slot in range(2):
        recorder.confirmed.clear()
        pump.offer(a_delivery(slot))
        assert recorder.confirmed.wait(5)
    recorder.confirmed.clear()
    pump.offer(a_delivery(2))
    pump.offer(a_delivery(3))
    assert not recorder.confirmed.wait(0.2)
    pump.stop(5)
    assert recorder.rows == [2, 2, 4]


def test_a_trickle_does_not_wait_once_it_is_a_flood(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pump_module, "BEAT_S", 30.0)
    monkeypatch.setattr(pump_module, "AHEAD_S", 0.0)
    monkeypatch.setattr(pump_module, "MAX_RECORDS", 3)
    recorder = Recorder()
    pump = Pump(recorder, recorder, recorder, recorder)
    pump.start(recorder)
    pump.offer(a_delivery(1))
    assert recorder.confirmed.wait(5)
    recorder.confirmed.clear()
    for slot in range(2, 5):
        pump.offer(a_delivery(slot))
    assert recorder.confirmed.wait(5)
    pump.stop(5)
    assert recorder.rows == [2, 6]


def test_a_store_that_is_busy_is_asked_again_and_nothing_is_confirmed_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pump_module, "RETRY_S", 0.01)
    recorder = Recorder(failures=3)
    run(recorder, a_delivery())
    assert recorder.events == ["store", "settle", "mark", "confirm"]


def test_what_was_offered_before_the_end_is_still_stored():
    recorder = Recorder()
    pump = Pump(recorder, recorder, recorder, recorder)
    pump.offer(a_delivery())
    pump.start(recorder)
    pump.stop(5)
    assert recorder.events[-1] == "confirm"


def test_what_comes_again_is_counted_as_a_duplicate():
    recorder = Recorder()
    run(recorder, a_delivery(0), a_delivery(1), a_delivery(2, "logs"))
    assert [dict(row.stored_as) for row in recorder.settled] == [
        {"rows": 1, "withheld": 1},
        {"duplicate": 2},
        {"rows": 1, "withheld": 1},
    ]


def test_what_is_older_than_the_watermark_lowers_it_before_it_is_settled():
    recorder = Recorder()
    run(recorder, replace(a_delivery(0), received_ns=9), replace(a_delivery(1), received_ns=5))
    assert recorder.lowered == [5]


def test_a_ledger_that_is_full_keeps_nobody_waiting_who_asks_for_the_delivery_check(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pump_module, "RETRY_S", 0.2)
    recorder = Recorder()
    recorder.full_ledger = 3
    pump = Pump(recorder, recorder, recorder, recorder)
    pump.offer(a_delivery())
    pump.start(recorder)
    for _ in range(20):
        assert pump.accounting.acquire(timeout=0.1)
        pump.accounting.release()
        threading.Event().wait(0.01)
    assert recorder.confirmed.wait(5)
    assert recorder.events == ["store", "settle", "mark", "confirm"]
    assert [dict(row.stored_as) for row in recorder.settled] == [{"rows": 1, "withheld": 1}]
    pump.stop(5)
