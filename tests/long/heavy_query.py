"""R28: while people ask the pages for far too much, what arrives is stored as quickly as before, and they are told what to ask instead.

pytest tests/long/heavy_query.py -s --timeout 0       # LONG_SPANS=2000000 stored beforehand, LONG_SECONDS=60, LONG_RATE=200

Each heavy page searches every content of every run for a text that no index knows. How heavy that is depends on LONG_SPANS: with enough of
them it takes minutes of processor time and is stopped. Prints
for quiet and for heavy seconds: the answer to a sender, one insert, and until a run that was sent can be read.
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import os
import random
import re
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from bench.end_to_end import a_batch
from bench.store import INSERTS, make
from spans.errors import TooHeavyError
from spans.ids import TraceId
from store.clickhouse.store import ClickHouseStore
from store.ledger import Ledger
from tests.builders import a_clean_span, a_span_id
from tests.store.contract import tables_for
from tests.tracetape.running import Running, wait_for
from tracetape.folder import DataFolder
from tracetape.watermark import KEY

SPANS = int(os.environ.get("LONG_SPANS", "2000000"))
SECONDS = float(os.environ.get("LONG_SECONDS", "60"))
RATE = float(os.environ.get("LONG_RATE", "200"))
READERS = 3
TURNS = 6
KEEP = {"TRACETAPE_CONTENT_DAYS": "3000", "TRACETAPE_METADATA_DAYS": "3000"}
NEEDLES = ("!?", "~~", "%%", "##")
"""No word of any text: a search for one reads every text there is."""
TOLD = ("Too much at once", "too_heavy", "One moment", "busy")
"""How a page and an answer to a program say that something was stopped, or has to wait for its turn."""
INSIDE = ("Traceback", "ClickHouse", "chdb", "SELECT")


@dataclass
class Seconds:
    """What was measured in one part of the run."""

    answer_s: list[float] = field(default_factory=list)
    insert_s: list[float] = field(default_factory=list)
    fresh_s: list[float] = field(default_factory=list)


def test_heavy_pages_delay_no_insert_and_end_with_a_friendly_page(tmp_path: Path) -> None:
    folder = DataFolder((tmp_path / "data").resolve())
    folder.create()
    make(folder.root / "store", SPANS, tuple(INSERTS))
    ledger = Ledger.open(folder.ledger_url())
    ledger.settings.put(KEY, time.time_ns())  # what was made is assembled already
    ledger.close()
    quiet, heavy = Seconds(), Seconds()
    told: Counter[str] = Counter()
    took: list[float] = []
    with Running(folder.root, "--workers", "1", "--redaction", "rules", environ=KEEP) as server:
        server.key()
        sent = _send(server, quiet, SECONDS / 2)
        stop = threading.Event()
        readers = [threading.Thread(target=_ask, args=(server, n, stop, told, took)) for n in range(READERS)]
        for reader in readers:
            reader.start()
        sent += _send(server, heavy, SECONDS)
        stop.set()
        for reader in readers:
            reader.join()
        health = server.settle(300)
    for name, part in (("quiet", quiet), ("heavy", heavy)):
        figures = {
            what: f"median {statistics.median(values):.2f}, longest {max(values):.2f} s ({len(values)})"
            for what, values in (("answer", part.answer_s), ("insert", part.insert_s), ("readable", part.fresh_s))
            if values
        }
        print(f"{name}: {figures}")
    print(f"heavy pages: {dict(told)}, longest {max(took):.1f} s, median {statistics.median(took):.1f} s")
    print(f"sent {sent}, {health['spans']}")
    assert health["spans"]["acked"] == sent == health["spans"]["stored"]
    assert not told["something else"], told


def test_endless_questions_are_stopped_after_ten_seconds_and_delay_no_insert(tmp_path: Path) -> None:
    """The same engine, with questions that would take hours: as many at once as pages may ask."""
    store = ClickHouseStore.open(f"chdb://{tmp_path / 'store'}")
    store.migrate()
    _insert_for(store, 1.0)
    quiet = _insert_for(store, SECONDS / 4)
    stop = threading.Event()
    ended: list[float] = []
    askers = [threading.Thread(target=_endless, args=(store, stop, ended)) for _ in range(READERS)]
    for asker in askers:
        asker.start()
    heavy = _insert_for(store, SECONDS / 2)
    stop.set()
    for asker in askers:
        asker.join()
    store.close()
    for name, took in (("quiet", quiet), ("heavy", heavy)):
        print(f"{name}: one insert median {statistics.median(took):.2f}, longest {max(took):.2f} s ({len(took)})")
    print(f"{len(ended)} endless questions ended after {min(ended):.1f} to {max(ended):.1f} s")
    assert len(ended) >= READERS


def _insert_for(store: ClickHouseStore, seconds: float) -> list[float]:
    """Insert 300 spans at a time; how long each took."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        spans = [
            a_clean_span(
                trace_id=TraceId(f"{time.time_ns():032x}"), span_id=a_span_id(k + 1), attributes={"x": "y" * 500}
            )
            for k in range(300)
        ]
        tables = tables_for(*spans)
        began = time.monotonic()
        store.write_evidence(tables)
        took.append(time.monotonic() - began)
        time.sleep(0.2)
    return took


def _endless(store: ClickHouseStore, stop: threading.Event, ended: list[float]) -> None:
    while not stop.is_set():
        began = time.monotonic()
        with pytest.raises(TooHeavyError, match="time limit"):
            store._engine.select("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))")
        ended.append(time.monotonic() - began)


def _send(server: Running, part: Seconds, seconds: float) -> int:
    """Send at a steady rate; look at the inserts between two looks, and now and then until a run can be read."""
    rng = random.Random(len(part.answer_s) + int(seconds))
    began, sent, looked = time.monotonic(), 0, 0.0
    before = _inserts(server)
    watchers: list[threading.Thread] = []
    while (now := time.monotonic() - began) < seconds:
        trace, body, spans, _ = a_batch(rng, TURNS, 4)
        asked = time.monotonic()
        request = urllib.request.Request(f"{server.http}/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        urllib.request.urlopen(request, timeout=30).close()
        part.answer_s.append(time.monotonic() - asked)
        sent += spans
        if now - looked > 3:
            looked, after = now, _inserts(server)
            if after[1] > before[1]:
                part.insert_s.append((after[0] - before[0]) / (after[1] - before[1]))
                before = after
            watchers.append(threading.Thread(target=_watch, args=(server, trace, part)))
            watchers[-1].start()
        time.sleep(max(0.0, began + sent / RATE - time.monotonic()))
    for watcher in watchers:
        watcher.join()
    return sent


def _inserts(server: Running) -> tuple[float, float]:
    """Seconds in inserts, and how many."""
    lines = dict(line.rsplit(" ", 1) for line in server.metrics().decode().splitlines() if not line.startswith("#"))
    return float(lines["tracetape_store_insert_seconds_sum"]), float(lines["tracetape_store_insert_seconds_count"])


def _watch(server: Running, trace: str, part: Seconds) -> None:
    asked = time.monotonic()
    wait_for(lambda: server.try_api(f"/api/v1/runs/{trace}?content=none"), 120, "a run that can be read")
    part.fresh_s.append(time.monotonic() - asked)


def _ask(server: Running, number: int, stop: threading.Event, told: Counter[str], took: list[float]) -> None:
    """One person who searches again and again; half of them on pages, half through the API."""
    while not stop.is_set():
        for needle in NEEDLES:
            path = f"{'/api/v1' if number % 2 else ''}/runs?q={quote(needle)}&since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z"
            headers = {"Authorization": f"Bearer {server.key()}"}
            asked = time.monotonic()
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(server.web + path, headers=headers), timeout=120
                ) as answer:
                    answer.read()
                said = "answered"
            except urllib.error.HTTPError as error:
                text = error.read().decode()
                friendly = error.code == 503 and not any(word in text for word in INSIDE)
                said = (
                    next((words for words in TOLD if words in text), "something else") if friendly else "something else"
                )
                if said == "something else":
                    print(error.code, re.sub(r"(?s).*<main", "<main", text)[:600])
            took.append(time.monotonic() - asked)
            told[said] += 1
            if stop.is_set():
                return
