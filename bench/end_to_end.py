"""Spans with growing conversations through a real `tracetape serve`, redaction and everything on: stored per second, and how fresh.

python -m bench.end_to_end --seconds 60                  (as fast as they are stored)
python -m bench.end_to_end --seconds 60 --rate 100       (so many spans a second; prints how long until one can be read)

A conversation of `--turns` calls repeats its history in every call, as agents send it. Stored means assembled and on the
pages: nothing is pending any more. Freshness is from the moment a batch is acknowledged until its last run answers.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.redaction import conversation
from tests.tracetape.running import Running, wait_for

MOST_PENDING = 2_000
"""Without a rate, senders wait while this many spans are not stored yet."""


def a_batch(rng: random.Random, turns: int, conversations: int) -> tuple[str, bytes, int, int]:
    """One export of an agent that served some people: a trace in it, the request, its spans and the bytes of their text."""
    request = ExportTraceServiceRequest()
    told = [a_conversation(rng, turns, request) for _ in range(conversations)]
    return told[-1][0], request.SerializeToString(), sum(spans for _, spans, _ in told), sum(size for *_, size in told)


def a_conversation(rng: random.Random, turns: int, request: ExportTraceServiceRequest) -> tuple[str, int, int]:
    """Adds a conversation; returns its trace, its spans and the bytes of text in them."""
    trace, root, now, size, spans = rng.randbytes(16), rng.randbytes(8), time.time_ns(), 0, 0
    for number, texts in enumerate(conversation(rng, turns)):
        resource = request.resource_spans.add()
        spans += 1
        resource.resource.attributes.add(key="service.name").value.string_value = f"agent-{rng.randrange(5)}"
        span = resource.scope_spans.add().spans.add(trace_id=trace, span_id=rng.randbytes(8) if number else root)
        if number:
            span.parent_span_id = root
        span.start_time_unix_nano, span.end_time_unix_nano = now + number * 10**6, now + (number + 1) * 10**6
        tool = "gen_ai.tool.name" in texts
        span.name = "execute_tool lookup_customer" if tool else "chat gpt-4o-mini"
        operation = {"gen_ai.operation.name": "execute_tool" if tool else "chat"}
        for key, text in {**operation, **texts}.items():
            span.attributes.add(key=key).value.string_value = text
            size += len(text)
    return trace.hex(), spans, size


def main() -> None:
    """Send, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--batch", type=int, default=8, help="conversations in one request")
    parser.add_argument("--rate", type=float, default=0.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Running(Path(folder) / "data") as server:
        _run(server, options)


def _run(server: Running, options: argparse.Namespace) -> None:
    rng, place = random.Random(os.urandom(8)), urlsplit(server.http)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    sent = size = 0
    lags: list[float] = []
    watchers: list[threading.Thread] = []
    began = time.monotonic()
    last_look = 0.0
    while (now := time.monotonic()) < began + options.seconds:
        trace, body, spans, chars = a_batch(rng, options.turns, options.batch)
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        sent, size = sent + spans, size + chars
        if options.rate:
            if now - last_look > 1:
                last_look = now
                watchers.append(
                    threading.Thread(target=_watch, args=(server, trace, 2 * options.turns, lags), daemon=True)
                )
                watchers[-1].start()
            time.sleep(max(0.0, began + sent / options.rate - time.monotonic()))
        else:
            while _pending(server) > MOST_PENDING:
                time.sleep(0.05)
    offered = time.monotonic() - began
    server.settle(300)
    took = time.monotonic() - began
    for watcher in watchers:
        watcher.join(60)
    print(
        f"{sent} spans of {size / sent / 1000:.1f} KB text in {offered:.1f} s; stored {took:.1f} s after the first: {sent / took:.0f} spans/s"
    )
    if lags:
        ordered = sorted(lags)
        print(
            f"fresh after (s): median {statistics.median(ordered):.2f}, p95 {ordered[int(len(ordered) * 0.95)]:.2f}, worst {ordered[-1]:.2f} of {len(ordered)}"
        )
    for name, pid in sorted(server.children().items()):
        print(f"{name}: {psutil.Process(pid).memory_info().rss / 2**20:.0f} MiB")
    print(f"load: {os.getloadavg()[0]:.1f}")


def _pending(server: Running) -> int:
    return int(server.api("/api/v1/health")["data"]["spans"]["pending"])


def _watch(server: Running, trace: str, spans: int, lags: list[float]) -> None:
    began = time.monotonic()

    def whole() -> bool:
        found = server.try_api(f"/api/v1/runs/{trace}?content=none")
        return bool(found) and len(found["data"]["spans"]) >= spans

    wait_for(whole, 60, "a run")
    lags.append(time.monotonic() - began)


if __name__ == "__main__":
    main()
