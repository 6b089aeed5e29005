"""Pages over ten million spans while 200 spans a second arrive and detectors judge weeks of history, in one real server.

    python -m bench.store make --spans 10000000 --data DIR/store && python -m bench.busy --data DIR

`DIR` is a data folder of tracetape, whose store was made by the engine. Each question is asked over HTTP again and again, one
after the other, first of a quiet server, then of a busy one; printed are medians and 95th percentiles in milliseconds, and
what main and the workers used of a core meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import statistics
import threading
import time
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench.end_to_end import a_batch
from bench.store import BIG_RUN
from store.ledger import Ledger
from tests.tracetape.running import Running
from tracetape.watermark import Watermark

RANGE = "since=2026-10-22T00:00:00Z&until=2026-11-21T00:00:00Z&limit=50"
QUESTIONS: Mapping[str, str] = {
    "runs, one workflow": f"/api/v1/runs?{RANGE}&workflow=workflow-9",
    "runs, one person": f"/api/v1/runs?{RANGE}&user=USER_77",
    "runs, with an error": f"/api/v1/runs?{RANGE}&status=error",
    "runs, one tool": f"/api/v1/runs?{RANGE}&tool=tool_w11",
    "runs, an absent word": f"/api/v1/runs?{RANGE}&q=zzqqxxyy",
    "run of 1,000 spans, no content": f"/api/v1/runs/{BIG_RUN}?content=none",
}
TURNS, CONVERSATIONS = 6, 4


def main() -> None:
    """Ask quietly, ask while it is busy, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    # The engine made the runs too: nothing of the store is left to assemble.
    with contextlib.closing(Ledger.open(f"sqlite:///{options.data / 'ledger.sqlite'}")) as ledger:
        Watermark(ledger.settings).raise_to(time.time_ns())
    with Running(options.data, start_s=300) as server:
        server.key()
        quiet = _ask(server, options.rounds)
        done = threading.Event()
        sender = threading.Thread(target=_send, args=(server, options.rate, done), daemon=True)
        sender.start()
        time.sleep(30)
        before, began = _used(server), time.monotonic()
        busy = _ask(server, options.rounds)
        took, after = time.monotonic() - began, _used(server)
        done.set()
        sender.join()
        health = server.api("/api/v1/health")["data"]["spans"]
    print(f"\n{'question':34} {'quiet':>8} {'p95':>8} {'busy':>8} {'p95':>8}")
    for name, times in quiet.items():
        print(f"{name:34} {_figures(times)} {_figures(busy[name])}")
    share = {name: f"{100 * (after[name] - before.get(name, 0)) / took:.0f} %" for name in sorted(after)}
    print(f"\nof a core meanwhile: {share}; {health}; load {os.getloadavg()[0]:.1f}")


def _ask(server: Running, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every answer; the first of each question, which warms it up, is left out."""
    took: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    for number in range(rounds + 1):
        for name, path in QUESTIONS.items():
            asked = time.perf_counter()
            try:
                server.api(path)
            except urllib.error.HTTPError as error:
                print(f"{name}, round {number}: {error.code} {error.read()[:200]!r}")
            if number:
                took[name].append((time.perf_counter() - asked) * 1e3)
    return took


def _send(server: Running, rate: float, done: threading.Event) -> None:
    rng, place, sent, began = random.Random(os.urandom(8)), urlsplit(server.http), 0, time.monotonic()
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    while not done.is_set():
        _, body, spans, _ = a_batch(rng, TURNS, CONVERSATIONS)
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        sent += spans
        time.sleep(max(0.0, began + sent / rate - time.monotonic()))


def _used(server: Running) -> dict[str, float]:
    """Processor seconds of each process so far."""
    return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in server.children().items()}


def _figures(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{statistics.median(ordered):8.0f} {ordered[int(len(ordered) * 0.95)]:8.0f}"


if __name__ == "__main__":
    main()
