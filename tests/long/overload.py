"""R11: five minutes of far more than can be stored, from senders that do not wait: refused, never lost, and normal again at once.

pytest tests/long/overload.py -s --timeout 0      # LONG_MINUTES=5

The spool gets a small volume of its own (as root), so that it is full within seconds and the store alone sets the pace.
The senders ask again at once, whatever they are told: ruder than any SDK.
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import collections
import http.client
import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import psutil

from bench.ingest import a_batch
from tests.tracetape.oracle import Volume
from tests.tracetape.running import Running

MINUTES = float(os.environ.get("LONG_MINUTES", "5"))
SENDERS = int(os.environ.get("LONG_SENDERS", "8"))
"""On each of the two transports."""
SPANS, SIZE = 512, 1024
SPOOL_MIB = 384
RECEIVER_MIB = 300
TIMES = 5
"""Offered over acknowledged."""
ANSWER_S = 5.0
AGAIN_S = 10.0
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass
class Crowd:
    """What the senders saw."""

    endpoint: str
    grpc_place: str
    until: float
    answers: collections.Counter[str] = field(default_factory=collections.Counter)
    slowest_s: float = 0.0
    health_ms: list[float] = field(default_factory=list)
    memory: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: str, took_s: float) -> None:
        with self.lock:
            self.answers[answer] += 1
            self.slowest_s = max(self.slowest_s, took_s)

    def over_http(self) -> None:
        place, body = urlsplit(self.endpoint), a_batch(SPANS, SIZE)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        while time.monotonic() < self.until:
            asked = time.monotonic()
            answer = _post(connection, body)
            self.note(f"http {answer}", time.monotonic() - asked)
        connection.close()

    def over_grpc(self) -> None:
        body = a_batch(SPANS, SIZE)
        with grpc.insecure_channel(self.grpc_place, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            export = channel.unary_unary(EXPORT)
            while time.monotonic() < self.until:
                asked = time.monotonic()
                try:
                    export(body, timeout=30)
                    answer = "OK"
                except grpc.RpcError as error:
                    answer = error.code().name
                self.note(f"grpc {answer}", time.monotonic() - asked)

    def watch(self, pid: int) -> None:
        """The receiver's memory, and whether it still says how it is."""
        place = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        while time.monotonic() < self.until:
            asked = time.monotonic()
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            self.health_ms.append((time.monotonic() - asked) * 1000)
            self.memory = max(self.memory, psutil.Process(pid).memory_info().rss)
            time.sleep(0.25)
        connection.close()


def _post(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_an_overload_is_refused_and_over_at_once(tmp_path: Path) -> None:
    volume = Volume(tmp_path / "data" / "spool", SPOOL_MIB)
    volume.mount()
    try:
        with Running(tmp_path / "data", "--redaction", "rules") as server:
            _overload(server)
    finally:
        volume.unmount()


def _overload(server: Running) -> None:
    crowd = Crowd(server.http, server.grpc.removeprefix("http://"), time.monotonic() + MINUTES * 60)
    doing = [crowd.over_http] * SENDERS + [crowd.over_grpc] * SENDERS
    threads = [threading.Thread(target=work, daemon=True) for work in doing]
    threads.append(threading.Thread(target=crowd.watch, args=(server.children()["receive"],), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again_s = _normal_again(server, crowd)
    asked = sum(crowd.answers.values())
    kept = crowd.answers["http 200"] + crowd.answers["grpc OK"]
    settled = server.settle(1800)["spans"]
    print(
        f"\noffered {asked * SPANS} spans in {MINUTES:g} min, {asked / max(1, kept):.1f} times what was kept; {dict(crowd.answers)};"
        f" slowest answer {crowd.slowest_s:.2f} s; receiver {crowd.memory / 2**20:.0f} MiB at most;"
        f" /healthz median {statistics.median(crowd.health_ms):.1f} ms, worst {max(crowd.health_ms):.0f};"
        f" normal again after {again_s:.1f} s\n{settled}"
    )
    assert set(crowd.answers) <= {"http 200", "http 503", "grpc OK", "grpc UNAVAILABLE"}
    assert settled["received"] == asked * SPANS == settled["acked"] + settled["refused"]
    assert settled["acked"] == kept * SPANS == settled["stored"]
    assert asked >= TIMES * kept
    assert crowd.slowest_s <= ANSWER_S
    assert crowd.memory <= RECEIVER_MIB * 2**20
    assert again_s <= AGAIN_S


def _normal_again(server: Running, crowd: Crowd) -> float:
    """Seconds from the end of the crowd until the first of ten batches in a row, one every half second, was taken."""
    place, body, ended = urlsplit(server.http), a_batch(SPANS, SIZE), time.monotonic()
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    first, row = ended, 0
    while row < 10:
        asked = time.monotonic()
        answer = _post(connection, body)
        crowd.note(f"http {answer}", time.monotonic() - asked)
        if answer == 200:
            first, row = (asked if not row else first), row + 1
        else:
            row = 0
            assert asked - ended < 60, "still refused a minute later"
        time.sleep(0.5)
    connection.close()
    return first - ended
