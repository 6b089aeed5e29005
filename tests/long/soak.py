"""R26: an hour of 200 spans a second, redaction with names on and somebody reading: memory, handles, parts and latencies stay flat.

pytest tests/long/soak.py -s --timeout 0          # LONG_MINUTES=480 for eight hours, LONG_RATE=200, LONG_SEED=7 to repeat

Prints for every process its memory over the time and the slope after the warm-up (the first quarter): Theil and Sen's median of
all pairwise slopes, with its 95 % interval (Sen, JASA 63, 1968), and the same of the second half of the time alone, since caches
go on filling. The interval says what so short a time can tell.
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import http.client
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
from scipy import stats

from bench.end_to_end import a_batch
from tests.tracetape.running import Running, wait_for

MINUTES = float(os.environ.get("LONG_MINUTES", "60"))
RATE = float(os.environ.get("LONG_RATE", "200"))
SEED = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))
TURNS = 6
CONVERSATIONS = 4
SAMPLE_S = 10.0
WARM = 0.25
"""Share of the time that counts as warming up: caches fill to their caps."""
MOST_PARTS = 300
MORE_HANDLES = 32
"""Open files may swing with merges and connections; a leak of one a minute is more than this in an hour."""


@dataclass
class Seen:
    """What was sampled, each with the seconds since the start."""

    memory_mib: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    handles: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    answer_s: list[tuple[float, float]] = field(default_factory=list)
    fresh_s: list[tuple[float, float]] = field(default_factory=list)
    read_s: list[tuple[float, float]] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    """The last one of every batch."""
    spans: int = 0


def test_an_hour_at_200_spans_a_second_stays_flat(tmp_path: Path) -> None:
    print(f"\nLONG_SEED={SEED} LONG_MINUTES={MINUTES:g} LONG_RATE={RATE:g}")
    seen = Seen()
    with Running(tmp_path / "data") as server:
        server.key()
        began = time.monotonic()
        end = began + MINUTES * 60
        helpers = [
            threading.Thread(target=loop, args=(server, seen, began, end), daemon=True)
            for loop in (_send, _sample, _read)
        ]
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()
        health = server.settle(600)
        print(f"sent {seen.spans} spans in {len(seen.traces)} requests in {MINUTES:g} min; {health['spans']}")
        _tell(seen)
        for trace in random.Random(SEED).sample(seen.traces, min(200, len(seen.traces))):
            assert len(server.api(f"/api/v1/runs/{trace}?content=none")["data"]["spans"]) == 2 * TURNS, trace
        assert health["spans"]["acked"] == seen.spans == health["spans"]["stored"], health["spans"]
    _judge(seen)


def _send(server: Running, seen: Seen, began: float, end: float) -> None:
    """One sender with a steady rate; now and then the last run of a batch is watched until it can be read."""
    rng, place = random.Random(SEED), urlsplit(server.http)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    last_look = float("-inf")
    while (now := time.monotonic()) < end:
        trace, body, spans, _ = a_batch(rng, TURNS, CONVERSATIONS)
        asked = time.monotonic()
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        seen.answer_s.append((now - began, time.monotonic() - asked))
        seen.spans += spans
        seen.traces.append(trace)
        if now - last_look > 5:
            last_look = now
            threading.Thread(target=_watch, args=(server, trace, seen, began), daemon=True).start()
        time.sleep(max(0.0, began + seen.spans / RATE - time.monotonic()))
    connection.close()


def _watch(server: Running, trace: str, seen: Seen, began: float) -> None:
    asked = time.monotonic()
    wait_for(
        lambda: (
            (found := server.try_api(f"/api/v1/runs/{trace}?content=none")) and len(found["data"]["spans"]) >= 2 * TURNS
        ),
        600,
        "a run",
    )
    seen.fresh_s.append((asked - began, time.monotonic() - asked))


def _read(server: Running, seen: Seen, began: float, end: float) -> None:
    """Somebody looks at the list, a run and the delivery check, every few seconds."""
    while time.monotonic() < end:
        asked = time.monotonic()
        listed = server.try_api("/api/v1/runs?limit=50")
        if listed and listed["data"]:
            server.try_api(f"/api/v1/runs/{listed['data'][-1]['run_id']}")
        server.try_api("/api/v1/workflows")
        seen.read_s.append((asked - began, time.monotonic() - asked))
        time.sleep(5)


def _sample(server: Running, seen: Seen, began: float, end: float) -> None:
    assert server.process
    number = 0
    while time.monotonic() < end:
        at = time.monotonic() - began
        for role, pid in {**server.children(), "supervisor": server.process.pid}.items():
            process = psutil.Process(pid)
            seen.memory_mib.setdefault(role, []).append((at, process.memory_info().rss / 2**20))
            seen.handles.setdefault(role, []).append((at, process.num_fds()))
        metrics = dict(line.rsplit(" ", 1) for line in server.metrics().decode().splitlines() if line[:1] != "#")
        seen.parts.append(int(float(metrics["tracetape_store_active_parts"])))
        if health := server.try_api("/api/v1/health"):
            seen.pending.append(health["data"]["spans"]["pending"])
        number += 1
        if number % 30 == 0:
            now = ", ".join(f"{role} {points[-1][1]:.0f}" for role, points in sorted(seen.memory_mib.items()))
            print(
                f"{at / 60:.0f} min: {seen.spans} spans, pending {seen.pending[-1]}, parts {seen.parts[-1]}; MiB: {now}",
                flush=True,
            )
        time.sleep(SAMPLE_S)


def _late(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [point for point in points if point[0] >= WARM * MINUTES * 60]


def slope_per_hour(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Units per hour with the ends of the 95 % interval."""
    at, value = (np.array(column) for column in zip(*points, strict=True))
    found = stats.theilslopes(value, at / 3600)
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def _tell(seen: Seen) -> None:
    for role, points in sorted(seen.memory_mib.items()):
        late = _late(points)
        slope, low, high = slope_per_hour(late)
        half, half_low, half_high = slope_per_hour(late[-len(points) // 2 :])
        handles = [number for _, number in seen.handles[role]]
        print(
            f"{role}: {points[0][1]:.0f} MiB at the start, {late[0][1]:.0f} warm, {late[-1][1]:.0f} at the end, most"
            f" {max(mib for _, mib in points):.0f}; slope {slope:+.2f} MiB/h [{low:+.2f}, {high:+.2f}],"
            f" of the second half {half:+.2f} [{half_low:+.2f}, {half_high:+.2f}];"
            f" open files {handles[0]} to {handles[-1]}, most {max(handles)}"
        )
    for name, timed in (("answer", seen.answer_s), ("fresh", seen.fresh_s), ("three reads", seen.read_s)):
        late = _late(timed)
        half = len(late) // 2
        if not half:
            print(f"{name}: too few")
            continue
        first, second = (float(np.percentile([s for _, s in part], 99)) for part in (late[:half], late[half:]))
        print(
            f"{name}: median {np.median([s for _, s in late]) * 1000:.0f} ms, p99 {first * 1000:.0f} ms in the first half, {second * 1000:.0f} in the second"
        )
    print(f"active parts: most {max(seen.parts)}; pending: most {max(seen.pending)}; load {os.getloadavg()[0]:.1f}")


def _judge(seen: Seen) -> None:
    """Only what a busy machine cannot blur: latencies are printed."""
    assert max(seen.parts) < MOST_PARTS
    for role, points in seen.handles.items():
        late = [number for at, number in points if at >= WARM * MINUTES * 60]
        third = len(late) // 3
        assert np.median(late[-third:]) <= np.median(late[:third]) + MORE_HANDLES, (role, late)
