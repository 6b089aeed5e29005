"""The receiver process with real SDK exporters: keys, restarts, kills, size."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from opentelemetry.exporter.otlp.proto.common._internal.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from collector.broker import Broker, BrokerSettings
from collector.tally import read_tally
from spans.roles import Role
from store.ledger import Ledger
from tests.collector.helpers import (
    ROOT,
    CollectingSink,
    FakeSlots,
    Place,
    a_receiver,
    spawn_receiver,
    traces,
    wait_until,
    workers,
)


def sdk_spans(*names: str) -> Any:
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider.add_span_processor(SimpleSpanProcessor(memory))
    for name in names:
        with provider.get_tracer("tests").start_as_current_span(name) as span:
            span.set_attribute("list", ["a", "b"])
            span.add_event("e", {"n": 1})
    provider.shutdown()
    return memory.get_finished_spans()


def exporter(kind: str, grpc_port: int, http_port: int, **more: Any) -> SpanExporter:
    if kind == "grpc":
        return GrpcExporter(f"http://127.0.0.1:{grpc_port}", insecure=True, timeout=20, **more)
    return HttpExporter(f"http://127.0.0.1:{http_port}/v1/traces", timeout=20, **more)


@pytest.mark.parametrize("kind", ["grpc", "http", "http-gzip", "http-deflate"])
def test_spans_of_the_real_sdk_are_kept_as_sent(place: Place, kind: str) -> None:
    with a_receiver(place) as running:
        more = {"http-gzip": {"compression": Compression.Gzip}, "http-deflate": {"compression": Compression.Deflate}}
        out = exporter(kind.partition("-")[0], running.grpc, running.http, **more.get(kind, {}))
        spans = sdk_spans("one", "two")
        assert out.export(spans) is SpanExportResult.SUCCESS
        out.shutdown()
        sent = encode_spans(spans).resource_spans[0].scope_spans[0].spans
        assert place.kept().spans() == list(sent)
        assert running.stop() == 0


def test_keys_open_the_project_they_belong_to(place: Place) -> None:
    ledger = Ledger.open(place.ledger)
    _, shop = ledger.keys.create(project="shop", role=Role.INGEST, name="n")
    _, viewer = ledger.keys.create(project="shop", role=Role.VIEWER, name="v")
    body = traces("a").SerializeToString()
    with a_receiver(place, require_key=True) as running:
        url = f"http://127.0.0.1:{running.http}/v1/traces"

        def send(**headers: str) -> int:
            named = {k.replace("_", "-"): v for k, v in headers.items()}
            return httpx.post(url, content=body, headers={"content-type": "application/x-protobuf"} | named).status_code

        basic = base64.b64encode(f"public:{shop}".encode()).decode()
        assert send(authorization=f"Bearer {shop}") == 200
        assert send(authorization=f"bearer%20{shop}") == 200
        assert send(authorization=f"Basic {basic}") == 200
        assert send(authorization=f"Basic%20{basic}") == 200
        assert send(x_api_key=shop) == 200
        assert {head.project for head in place.kept().heads} == {"shop"}
        assert send() == 401
        assert send(authorization="Bearer tt_ingest_nobody") == 401
        assert send(authorization="Basic %%%") == 401
        assert send(authorization=f"Bearer {viewer}") == 403
        assert send(x_project="other", x_api_key=shop) == 200
        assert {head.project for head in place.kept().heads} == {"shop"}
        fresh_info, fresh = ledger.keys.create(project="new", role=Role.INGEST, name="f")
        time.sleep(0.3)
        assert send(x_api_key=fresh) == 200
        ledger.keys.revoke(fresh_info.key_id)
        wait_until(lambda: send(x_api_key=fresh) == 401, 5)
        out = exporter("grpc", running.grpc, 0, headers={"authorization": f"Bearer {shop}"})
        assert out.export(sdk_spans("g")) is SpanExportResult.SUCCESS
        out.shutdown()
        wrong = exporter("grpc", running.grpc, 0, headers={"x-api-key": "nobody"})
        assert wrong.export(sdk_spans("g")) is SpanExportResult.FAILURE
        wrong.shutdown()
        ledger.close()
        (place.root / "ledger.sqlite").rename(place.root / "gone")
        wait_until(lambda: send(x_api_key=shop) == 503, 10)


def test_loopback_senders_need_no_key_and_a_wrong_one_is_still_wrong(place: Place) -> None:
    Ledger.open(place.ledger).close()
    with a_receiver(place) as running:
        url = f"http://127.0.0.1:{running.http}/v1/traces"
        kind = {"content-type": "application/x-protobuf"}
        body = traces("a").SerializeToString()
        assert httpx.post(url, content=body, headers=kind).status_code == 200
        assert httpx.post(url, content=body, headers=kind | {"x-api-key": "tt_ingest_x"}).status_code == 401
        assert {head.project for head in place.kept().heads} == {"default"}


def test_a_key_of_another_product_does_not_hinder_a_keyless_sender(place: Place) -> None:
    """Programs that sent to somebody else before keep that header."""
    Ledger.open(place.ledger).close()
    with a_receiver(place) as running:
        url = f"http://127.0.0.1:{running.http}/v1/traces"
        headers = {"content-type": "application/x-protobuf", "x-api-key": "lsv2_pt_of_somebody_else"}
        assert httpx.post(url, content=traces("a").SerializeToString(), headers=headers).status_code == 200
        assert {head.project for head in place.kept().heads} == {"default"}


def test_the_status_file_counts_and_survives_a_restart(place: Place) -> None:
    with a_receiver(place) as running:
        url = f"http://127.0.0.1:{running.http}/v1/traces"
        for _ in range(3):
            httpx.post(
                url, content=traces("a", "b").SerializeToString(), headers={"content-type": "application/x-protobuf"}
            )
        httpx.post(url, content=b"x", headers={"content-type": "text/csv"})
        assert running.stop() == 0
    assert not place.ready.exists()
    with a_receiver(place) as running:
        wait_until(lambda: read_tally(place.status)["pid"] == running.process.pid)
        said = read_tally(place.status)
    assert said["acked"]["spans"] == 6
    newest, before = said["arrivals"]
    assert (newest["code"], newest["accepted"]) == ("415", False)
    assert (before["code"], before["count"], before["items"], before["accepted"]) == ("200", 3, 6, True)
    assert said["last_accepted_ns"] > 0


def test_the_receiver_is_small_and_knows_no_engine() -> None:
    names = "presidio_analyzer spacy chdb pyarrow sqlalchemy alembic fastapi clickhouse_connect numpy"
    code = (
        "import sys, collector.receiver, store.ledger.key_reader;"
        f"print([m for m in {names.split()!r} if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_receiver_stays_small_under_load(place: Place) -> None:
    with a_receiver(place) as running:
        body = traces(*["span"] * 512, text="x" * 900).SerializeToString()
        kind = {"content-type": "application/x-protobuf"}
        with httpx.Client(base_url=f"http://127.0.0.1:{running.http}") as client:
            for _ in range(40):
                assert client.post("/v1/traces", content=body, headers=kind).status_code == 200
        assert psutil.Process(running.process.pid).memory_info().rss < 300 * 1024 * 1024


@pytest.mark.crash
@pytest.mark.parametrize("kind", ["grpc", "http"])
def test_sdks_ride_out_a_restart_without_loss(place: Place, kind: str) -> None:
    first = spawn_receiver(place)
    out = exporter(kind, first.grpc, first.http)
    try:
        assert out.export(sdk_spans("before")) is SpanExportResult.SUCCESS
        first.kill()
        results: list[SpanExportResult] = []
        sender = threading.Thread(target=lambda: results.append(out.export(sdk_spans("during"))))
        sender.start()
        time.sleep(1.5)
        with a_receiver(place, grpc=first.grpc, http=first.http):
            sender.join(30)
            assert results == [SpanExportResult.SUCCESS]
            assert sorted(s.name for s in place.kept().spans()) == ["before", "during"]
    finally:
        out.shutdown()
        first.kill()


@pytest.mark.crash
@pytest.mark.parametrize("real_ledger", [False, True])
def test_kills_of_receiver_and_workers_lose_and_double_nothing(place: Place, real_ledger: bool) -> None:
    """The oracle: what was acknowledged must come out; what comes out twice must carry the same slot."""
    ledger = Ledger.open(place.ledger) if real_ledger else None
    slots: Any = ledger.slots if ledger else FakeSlots()
    sink = CollectingSink(slots)
    broker = Broker(BrokerSettings(place.spool, place.keys, place.socket), slots, sink)
    sink.confirm = broker.confirm
    running = spawn_receiver(place, segment_age_s=0.5)
    broker.start()
    acked: set[str] = set()
    sent: set[str] = set()
    stop = threading.Event()
    senders = [threading.Thread(target=_send_until, args=(running.http, n, sent, acked, stop)) for n in range(3)]
    with workers(place, 2) as alive:
        for sender in senders:
            sender.start()
        for round_number in range(4):
            time.sleep(1.0)
            if round_number % 2:
                alive[0].kill()
            else:
                running.kill()
                running = spawn_receiver(place, grpc=running.grpc, http=running.http, segment_age_s=0.5)
        time.sleep(0.5)
        stop.set()
        for sender in senders:
            sender.join()
        assert running.stop() == 0
        wait_until(lambda: broker.status().pending_spans == 0 and not list(place.spool.glob("*.seg")), 60)
        status = broker.status()
        broker.stop(1)
    names = sink.names()
    assert len(acked) > 50
    assert acked <= set(names), "acknowledged and lost"
    assert set(names) <= sent, "nobody sent this"
    assert status.acked_spans == len(names)
    assert status.lost_records == status.damaged_bytes == 0
    if ledger:
        ledger.close()


def _send_until(port: int, sender: int, sent: set[str], acked: set[str], stop: threading.Event) -> None:
    kind = {"content-type": "application/x-protobuf"}
    for number in range(100_000):
        if stop.is_set():
            return
        name = f"{sender}-{number}"
        sent.add(name)
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/traces", content=traces(name).SerializeToString(), headers=kind, timeout=5
            )
        except httpx.HTTPError:
            time.sleep(0.05)
            continue
        if answer.status_code == 200:
            acked.add(name)


def test_an_inherited_socket_refuses_no_connection_while_the_receiver_restarts(place: Place) -> None:
    import socket

    from tests.collector.helpers import _RECEIVER

    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    code = _RECEIVER.replace("http_port=int(sys.argv[3])", "http_socket_fd=int(sys.argv[3])")
    port = listener.getsockname()[1]

    def spawn() -> subprocess.Popen[bytes]:
        place.ready.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(place.root), "0", str(listener.fileno()), "False", "60"],
            cwd=ROOT,
            pass_fds=[listener.fileno()],
        )
        wait_until(place.ready.exists)
        return process

    kind = {"content-type": "application/x-protobuf"}
    process = spawn()
    try:
        assert json.loads(place.ready.read_bytes())["http_port"] == port
        process.terminate()
        assert process.wait(10) == 0
        answers: list[int] = []

        def send() -> None:
            body = traces("waiting").SerializeToString()
            answers.append(
                httpx.post(f"http://127.0.0.1:{port}/v1/traces", content=body, headers=kind, timeout=20).status_code
            )

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(0.3)
        process = spawn()
        sender.join()
        assert answers == [200]
    finally:
        process.kill()
        process.wait()
        listener.close()


@pytest.fixture(autouse=True)
def quiet_exporters() -> Iterator[None]:
    import logging

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("opentelemetry").setLevel(logging.NOTSET)
