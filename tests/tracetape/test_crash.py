"""kill -9 of every process in turn while sending: nothing acknowledged is lost or doubled, serve recovers by itself."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.tracetape.oracle import Faults, Producer, verify
from tests.tracetape.running import Running, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.crash]

SPANS = 8


class Sender:
    """Sends small batches over HTTP; only an answered batch becomes an obligation."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.acked: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._loop, daemon=True)

    def _loop(self) -> None:
        import urllib.error
        import urllib.request

        while not self.stop.is_set():
            trace, body = a_batch()
            request = urllib.request.Request(
                f"{self.endpoint}/v1/traces",
                data=body,
                headers={"Content-Type": "application/x-protobuf"},
                method="POST",
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    if answer.status == 200:
                        self.acked.append(trace)
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            time.sleep(0.02)


def a_batch() -> tuple[str, bytes]:
    trace = os.urandom(16)
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    root = os.urandom(8)
    now = time.time_ns()
    for n in range(SPANS):
        span = scope.spans.add()
        span.trace_id, span.span_id = trace, root if n == 0 else os.urandom(8)
        span.name = "invoke_agent crash" if n == 0 else "chat gpt-4o-mini"
        span.parent_span_id = b"" if n == 0 else root
        span.start_time_unix_nano, span.end_time_unix_nano = now, now + 1_000_000
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "invoke_agent" if n == 0 else "chat"
        if n:
            span.attributes.add(key="gen_ai.request.model").value.string_value = "gpt-4o-mini"
            span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100
            span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 10
    return trace.hex(), request.SerializeToString()


def assert_everything_acked_is_there_once(running: Running, acked: list[str]) -> None:
    settled = running.settle(90)
    assert settled["spans"]["quarantined"] == 0
    assert settled["spans"]["acked"] >= len(acked) * SPANS
    for trace in acked:
        run = running.api(f"/api/v1/runs/{trace}")["data"]
        assert len(run["spans"]) == SPANS
        assert len({s["span_id"] for s in run["spans"]}) == SPANS
        assert run["usage"]["input"] == 100 * (SPANS - 1)


@pytest.mark.timeout(280)
def test_kill_9_of_every_process_in_turn_loses_and_doubles_nothing(tmp_path):
    with Running(tmp_path / "data", "--workers", "2") as running:
        sender = Sender(running.http)
        sender.thread.start()
        for victim in ("receive", "main", "work 1", "work 2"):
            before = len(sender.acked)
            wait_for(lambda b=before: len(sender.acked) > b + 10, 60, f"acknowledgements before killing {victim}")
            pid = running.children()[victim]
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda v=victim, p=pid: running.children().get(v, p) != p, 30, f"a new {victim}")
        before = len(sender.acked)
        wait_for(lambda: len(sender.acked) > before + 10, 60, "acknowledgements after the last kill")
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        time.sleep(0.5)
        running.restart()
        before = len(sender.acked)
        wait_for(lambda: len(sender.acked) > before + 5, 60, "acknowledgements after the supervisor's death")
        sender.stop.set()
        sender.thread.join()
        assert_everything_acked_is_there_once(running, sender.acked)


@pytest.mark.timeout(280)
def test_twenty_random_kills_lose_double_and_change_nothing(tmp_path):
    """R1 in short; tests/long/oracle.py is the long version."""
    seed = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))
    chance = random.Random(seed)
    with Running(tmp_path / "data", "--workers", "2", "--redaction", "rules") as running:
        producer = Producer(running.http, seed)
        producer.start()
        faults = Faults(running, chance)
        try:
            for _ in range(20):
                time.sleep(chance.uniform(0.1, 1.2))
                faults.kill()
            verify(running, producer, 120)
        except AssertionError as error:
            raise AssertionError(f"LONG_SEED={seed}: {error}") from error
