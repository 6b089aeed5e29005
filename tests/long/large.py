"""R18: a prompt of 10 MB and a batch of 64 MiB, from the sender to the page, through a real server with names on.

pytest tests/long/large.py -s --timeout 0          # LONG_SEED=7 to repeat

Acknowledged within 5 s; clean or withheld in the store within a minute for the prompt, workers below 1 GiB; the first page
of the run within 2 s and 1 MB of HTML. How long the whole batch takes is printed: redaction reads all of it.
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import os
import random
import threading
import time
import urllib.request
from typing import Self

import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.redaction import conversation
from tests.tracetape.running import Running

SEED = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))
MIB = 1 << 20
MAIL = "maria.gonzalez@example.com"
ACK_S, STORED_S, PAGE_S, PAGE_BYTES, WORKER_MIB = 5.0, 60.0, 2.0, 1_000_000, 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    print(f"\nLONG_SEED={SEED}")
    with Running(tmp_path_factory.mktemp("large") / "data") as running:
        running.key()
        yield running


class Watch:
    """The most that any worker held in memory while it was watched."""

    def __init__(self, server: Running) -> None:
        self._server, self._stop = server, threading.Event()
        self.most: dict[str, float] = {}
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.wait(0.2):
            for role, pid in self._server.children().items():
                try:
                    mib = psutil.Process(pid).memory_info().rss / MIB
                except psutil.NoSuchProcess:
                    continue
                self.most[role] = max(self.most.get(role, 0.0), mib)

    def words(self) -> str:
        return ", ".join(f"{role} {mib:.0f}" for role, mib in sorted(self.most.items()))


def test_a_prompt_of_10_megabytes_from_the_sender_to_the_page(server: Running) -> None:
    rng = random.Random(SEED)
    trace = rng.randbytes(16)
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=trace, span_id=rng.randbytes(8))
    span.name, span.start_time_unix_nano, span.end_time_unix_nano = "chat gpt-4o-mini", time.time_ns(), time.time_ns()
    told = [f"{texts}" for texts in conversation(rng, 40)]
    prompt = ""
    while len(prompt) < 10_000_000:
        prompt += f"{MAIL} wrote on day {rng.randrange(9999)}: {rng.choice(told)}\n"
    for key, text in (("gen_ai.operation.name", "chat"), ("gen_ai.prompt", prompt), ("gen_ai.completion", "Done.")):
        span.attributes.add(key=key).value.string_value = text
    with Watch(server) as watch:
        acked, stored = _sent_and_stored(server, request.SerializeToString())
    page_s, html = _page(server, f"/runs/{trace.hex()}")
    print(
        f"10 MB prompt: acknowledged in {acked:.2f} s, stored in {stored:.1f} s, page in {page_s:.2f} s with "
        f"{len(html) / 1000:.0f} kB of HTML; most memory in MiB: {watch.words()}"
    )
    whole = str(server.api(f"/api/v1/runs/{trace.hex()}"))
    print("withheld" if "WITHHELD" in whole.upper() else f"clean: {whole.count('<EMAIL')} addresses became tokens")
    assert MAIL not in whole
    assert MAIL not in html
    _judge(watch, acked, page_s, html)
    assert stored <= STORED_S


def test_a_batch_of_64_mebibytes(server: Running) -> None:
    rng = random.Random(SEED + 1)
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    trace, size, number = rng.randbytes(16), 0, 0
    while size < 63.5 * MIB:
        for texts in conversation(rng, 30):
            span = spans.add(trace_id=trace, span_id=rng.randbytes(8), name="chat gpt-4o-mini")
            span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns() + number
            number += 1
            for key, text in {"gen_ai.operation.name": "chat", **texts}.items():
                span.attributes.add(key=key).value.string_value = text
            size += span.ByteSize() + 8
            if size >= 63.5 * MIB:
                break
    raw = request.SerializeToString()
    assert 62 * MIB <= len(raw) <= 64 * MIB
    with Watch(server) as watch:
        acked, stored = _sent_and_stored(server, raw, wait_s=1800)
    page_s, html = _page(server, f"/runs/{trace.hex()}")
    print(
        f"batch of {len(raw) / MIB:.1f} MiB, {len(spans)} spans: acknowledged in {acked:.2f} s, stored in {stored:.1f} s, page in "
        f"{page_s:.2f} s with {len(html) / 1000:.0f} kB of HTML; most memory in MiB: {watch.words()}"
    )
    _judge(watch, acked, page_s, html)


def _judge(watch: Watch, acked: float, page_s: float, html: str) -> None:
    assert acked <= ACK_S
    assert page_s <= PAGE_S
    assert len(html) <= PAGE_BYTES
    assert max(mib for role, mib in watch.most.items() if role.startswith("work")) < WORKER_MIB


def _sent_and_stored(server: Running, raw: bytes, wait_s: float = 300) -> tuple[float, float]:
    began = time.monotonic()
    request = urllib.request.Request(
        f"{server.http}/v1/traces", raw, {"Content-Type": "application/x-protobuf"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    acked = time.monotonic() - began
    health = server.settle(wait_s)
    stored = time.monotonic() - began
    assert health["spans"]["stored"] == health["spans"]["acked"], health["spans"]
    return acked, stored


def _page(server: Running, path: str) -> tuple[float, str]:
    """The first view of a page, read with the viewer's key."""
    request = urllib.request.Request(
        server.web + path, headers={"Authorization": f"Bearer {server.key()}", "Accept": "text/html"}
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=30) as answer:
        html = answer.read().decode()
    return time.monotonic() - began, html
