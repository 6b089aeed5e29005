from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from collector import worker as worker_module
from collector.broker import Broker, BrokerSettings
from collector.pipeline import Orders
from collector.worker import WorkerSettings
from spans.errors import SettingsError
from tests.collector.helpers import (
    ROOT,
    CollectingSink,
    EchoPipeline,
    FakeSlots,
    Place,
    spawn_worker,
    wait_until,
)
from tests.collector.test_broker import a_broker, spooled


def build_broken(orders: Orders) -> EchoPipeline:
    raise SettingsError("The rules cannot be used: line 3.")


def test_a_worker_leaves_within_seconds_when_told_to_and_finishes_what_it_holds(place: Place) -> None:
    spooled(place, ("slow",), ("b",))
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker:
        process = spawn_worker(place)
        wait_until(lambda: any(c.bundles for c in broker._connections))
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        wait_until(lambda: "slow" in sink.names())
        assert all(count == 1 for count in slots.attempts.values())
        process = spawn_worker(place)
        try:
            wait_until(lambda: broker.status().pending_spans == 0)
            assert all(count == 1 for count in slots.attempts.values()), "leaving on purpose costs no attempt"
        finally:
            process.kill()
            process.wait()


def test_a_worker_waits_for_main_and_connects_again_when_main_is_replaced(place: Place) -> None:
    spooled(place, ("a",))
    process = spawn_worker(place)
    try:
        for _ in range(2):
            slots = FakeSlots()
            sink = CollectingSink(slots)
            with a_broker(place, slots, sink) as broker:
                wait_until(lambda: broker.status().workers_ready == 1)
                assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_person_is_answered_while_a_record_takes_its_time(place: Place) -> None:
    spooled(place, ("slow",))
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker:
        process = spawn_worker(place)
        try:
            wait_until(lambda: any(c.bundles for c in broker._connections))
            for text in ("one", "two", "three"):
                assert broker.redact_text("shop", text) == f"shop:{text.upper()}"
            assert not sink.names(), "all of it before the record, which sleeps for a second, was done"
            wait_until(lambda: "slow" in sink.names())
        finally:
            process.kill()
            process.wait()


def test_new_orders_make_a_worker_begin_afresh(place: Place) -> None:
    slots = FakeSlots()
    process = spawn_worker(place)
    try:
        with a_broker(place, slots, CollectingSink(slots)) as broker:
            wait_until(lambda: broker.status().workers_ready == 1)
        changed = Broker(
            BrokerSettings(place.spool, place.keys, place.socket, redaction_mode="rules"), slots, CollectingSink(slots)
        )
        changed.start()
        assert process.wait(10) == 0
        changed.stop(0)
    finally:
        process.kill()
        process.wait()


def test_a_worker_that_grew_too_large_leaves_with_exit_code_0(place: Place) -> None:
    spooled(place, ("a",), ("b",))
    code = (
        "import sys; from pathlib import Path; from collector.worker import *;"
        f"root = Path({str(place.root)!r});"
        "sys.exit(run_worker(WorkerSettings('w', root / 'work.sock', root / 'spool', rss_limit_bytes=1,"
        " pipeline='tests.collector.helpers:build_echo')))"
    )
    slots = FakeSlots()
    sink = CollectingSink(slots)
    with a_broker(place, slots, sink) as broker:
        for _ in range(2):
            done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=20, check=False)
            assert done.returncode == 0
        wait_until(lambda: broker.status().pending_spans == 0)
        assert sorted(sink.names()) == ["a", "b"]
        assert set(slots.attempts.values()) == {1}


def test_why_no_worker_can_start_is_told_to_main(place: Place) -> None:
    slots = FakeSlots()
    with a_broker(place, slots, CollectingSink(slots)) as broker:
        process = spawn_worker(place, "tests.collector.test_worker:build_broken")
        try:
            wait_until(lambda: broker.status().worker_trouble == "The rules cannot be used: line 3.")
            assert process.wait(10) != 0
        finally:
            process.kill()
            process.wait()


def test_a_hung_record_ends_its_worker(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    left: list[Any] = []

    def leave(code: int) -> None:
        left.append(code)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(worker_module, "WATCH_EVERY_S", 0.01)
    import threading

    hung = worker_module.Worker(WorkerSettings("w", place.socket, place.spool, record_limit_s=0.01), threading.Event())
    hung._busy_since["records"] = time.monotonic() - 1
    with pytest.raises(SystemExit):
        hung._watch()
    assert left == [3]
