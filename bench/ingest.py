"""Ingest of a real `tracetape serve`: offered, acknowledged, stored, latencies, memory of every process.

python -m bench.ingest --seconds 20 --senders 4
"""

from __future__ import annotations

import argparse
import http.client
import os
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.tracetape.running import Running

TEXT = "The customer asks where the parcel is and whether the refund has been booked already. "


def a_batch(spans: int, size: int) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    trace, now = os.urandom(16), time.time_ns()
    for _ in range(spans):
        span = scope.spans.add(trace_id=trace, span_id=os.urandom(8), name="chat gpt-4o-mini")
        span.start_time_unix_nano, span.end_time_unix_nano = now, now + 5_000_000
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
        span.attributes.add(key="gen_ai.input.messages").value.string_value = (TEXT * (size // len(TEXT) + 1))[:size]
    return request.SerializeToString()


class Sender(threading.Thread):
    def __init__(self, endpoint: str, bodies: list[bytes], spans: int, until: float) -> None:
        super().__init__(daemon=True)
        self.place, self.bodies, self.spans, self.until = urlsplit(endpoint), bodies, spans, until
        self.offered = self.acked = 0
        self.took: list[float] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.place.hostname, self.place.port, timeout=10)
        at = 0
        while time.monotonic() < self.until:
            started = time.monotonic()
            self.offered += self.spans
            try:
                head = {"Content-Type": "application/x-protobuf"}
                connection.request("POST", "/v1/traces", self.bodies[at % len(self.bodies)], head)
                answer = connection.getresponse()
                answer.read()
            except OSError:
                connection.close()
                continue
            at += 1
            if answer.status == 200:
                self.acked += self.spans
                self.took.append(time.monotonic() - started)
            else:
                time.sleep(1)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seconds", type=float, default=20)
    ask.add_argument("--senders", type=int, default=4)
    ask.add_argument("--spans", type=int, default=512)
    ask.add_argument("--size", type=int, default=1024)
    options = ask.parse_args()
    with tempfile.TemporaryDirectory() as place, Running(Path(place) / "data", "--redaction", "rules") as running:
        # bodies are made before, so that the senders cost little; resent ones are stored once, acknowledged each time
        bodies = [a_batch(options.spans, options.size) for _ in range(64)]
        until = time.monotonic() + options.seconds
        senders = [
            Sender(running.http, bodies[n :: options.senders], options.spans, until) for n in range(options.senders)
        ]
        before = running.api("/api/v1/health")["data"]["spans"]["stored"]
        for sender in senders:
            sender.start()
        peak: dict[str, int] = {}
        while time.monotonic() < until:
            for role, pid in running.children().items():
                try:
                    peak[role] = max(peak.get(role, 0), psutil.Process(pid).memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.5)
        for sender in senders:
            sender.join(15)
        spans = running.api("/api/v1/health")["data"]["spans"]
        took = sorted(t for sender in senders for t in sender.took)
        print(f"offered      {sum(s.offered for s in senders) / options.seconds:10.0f} spans/s")
        print(f"acknowledged {sum(s.acked for s in senders) / options.seconds:10.0f} spans/s, durable")
        print(f"stored       {(spans['stored'] - before) / options.seconds:10.0f} spans/s while sending (rules tier)")
        for share in (0.5, 0.99, 1.0):
            print(f"p{share * 100:<4.0f} {took[min(len(took) - 1, int(share * len(took)))] * 1000:8.1f} ms")
        for role, size in sorted(peak.items()):
            print(f"{role:10} {size / 2**20:6.0f} MiB")


if __name__ == "__main__":
    main()
