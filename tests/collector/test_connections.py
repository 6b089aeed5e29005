"""The conformance checklist, the part about connections, and its lines for logs and metrics beside traces."""

from __future__ import annotations

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import grpc
import pytest

from collector.bounds import Bounds
from collector.credentials import Gate
from collector.door import Door
from collector.receiver import ReceiverSettings, _http_socket
from collector.receivers.grpc import GrpcReceiver
from collector.spool.keys import ensure_spool_keys, load_seal_key
from collector.spool.writer import SpoolWriter
from collector.tally import Tally
from tests.collector.helpers import Place, RunningReceiver, json_logs, json_span, json_traces, logs, traces
from tests.collector.test_credentials import Source, digest

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")
SERVICE = {
    "/v1/traces": "trace.v1.TraceService",
    "/v1/logs": "logs.v1.LogsService",
    "/v1/metrics": "metrics.v1.MetricsService",
}


def body_for(path: str, name: str = "a") -> bytes:
    if path == "/v1/metrics":
        return b""
    return (traces(name) if path == "/v1/traces" else logs(name)).SerializeToString()


def send(receiver: RunningReceiver, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, Any]:
    connection = HTTPConnection("127.0.0.1", receiver.http, timeout=20)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


@pytest.mark.parametrize("path", PATHS)
def test_28_a_full_success_says_nothing(receiver: RunningReceiver, path: str) -> None:
    assert send(receiver, path, body_for(path), PROTOBUF)[:2] == (200, b"")
    assert send(receiver, path, b"{}", JSON)[:2] == (200, b"{}")
    assert send(receiver, f"/otlp{path}/", body_for(path), PROTOBUF)[0] == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("body", "headers"), [(b"\xff\xff\xff", PROTOBUF), (b"[1", JSON), (b'"x"', JSON)])
def test_31_what_cannot_be_decoded_is_400_for_every_signal(
    receiver: RunningReceiver, path: str, body: bytes, headers: dict[str, str]
) -> None:
    code, said, answered = send(receiver, path, body, headers)
    assert code == 400
    assert answered["content-type"] == headers["content-type"]
    if headers is JSON:
        assert json.loads(said)["code"] == 3


@pytest.mark.parametrize("path", PATHS)
def test_11_and_9_encodings_and_types_of_every_signal(receiver: RunningReceiver, path: str) -> None:
    packed = gzip.compress(body_for(path))
    assert send(receiver, path, packed, PROTOBUF | {"content-encoding": "gzip"})[0] == 200
    assert send(receiver, path, packed[:-9] or b"x", PROTOBUF | {"content-encoding": "gzip"})[0] == 400
    assert send(receiver, path, body_for(path), {"content-type": "text/plain"})[0] == 415


@pytest.mark.parametrize("path", PATHS[:2])
def test_25_invalid_utf8_keeps_the_batch_of_every_signal(
    receiver: RunningReceiver, shared_place: Place, path: str
) -> None:
    mark = f"c25-{path[-4:]}-{time.monotonic_ns()}"
    raw = body_for(path, f"{mark}@@").replace(b"@@", b"\xff\xfe")
    assert send(receiver, path, raw, PROTOBUF)[0] == 200
    kept = shared_place.kept()
    texts = [s.name for s in kept.spans()] + [r.body.string_value for r in kept.logs()]
    assert f"{mark}\ufffd\ufffd" in texts


def test_12_an_answer_is_never_compressed_unasked(receiver: RunningReceiver) -> None:
    for wanted in ({}, {"accept-encoding": "gzip"}):
        _, _, answered = send(receiver, "/v1/traces", body_for("/v1/traces"), PROTOBUF | wanted)
        assert "content-encoding" not in answered


def test_39_a_traceparent_of_the_export_itself_is_no_data(receiver: RunningReceiver, shared_place: Place) -> None:
    name = f"c39-{time.monotonic_ns()}"
    parent = "00-ffffffffffffffffffffffffffffffff-eeeeeeeeeeeeeeee-01"
    assert send(receiver, "/v1/traces", body_for("/v1/traces", name), PROTOBUF | {"traceparent": parent})[0] == 200
    (span,) = [s for s in shared_place.kept().spans() if s.name == name]
    assert span.trace_id.hex() != parent[3:35]
    assert span.parent_span_id == b""


def test_40_a_connection_is_kept_after_success_and_refusal(receiver: RunningReceiver) -> None:
    connection = HTTPConnection("127.0.0.1", receiver.http, timeout=20)
    connection.connect()
    sock = connection.sock
    for path, headers, code in (
        ("/v1/traces", PROTOBUF, 200),
        ("/v1/traces", {"content-type": "text/csv"}, 415),
        ("/nowhere", PROTOBUF, 404),
        ("/v1/logs", PROTOBUF, 200),
    ):
        connection.request("POST", path, b"", headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == code
        assert connection.sock is sock
    connection.close()


def test_41_pings_without_calls_are_permitted(receiver: RunningReceiver) -> None:
    options = [
        ("grpc.keepalive_time_ms", 1_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc}", options=options) as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        assert call(body_for("/v1/traces"), timeout=10) == b""
        time.sleep(3)
        assert call(body_for("/v1/traces"), timeout=10) == b""


def test_42_a_client_that_hangs_up_harms_nobody(receiver: RunningReceiver) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc}") as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        with pytest.raises(grpc.RpcError) as caught:
            call(traces(*["x"] * 2000).SerializeToString(), timeout=0.001)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert call(body_for("/v1/traces"), timeout=10) == b""


def test_43_parallel_requests_of_both_signals_are_all_kept(receiver: RunningReceiver, shared_place: Place) -> None:
    mark = f"c43-{time.monotonic_ns()}"
    with ThreadPoolExecutor(16) as pool:
        jobs = [
            pool.submit(send, receiver, path, body_for(path, f"{mark}-{n}"), PROTOBUF)
            for n in range(20)
            for path in PATHS[:2]
        ]
        assert {job.result()[0] for job in jobs} == {200}
    kept = shared_place.kept()
    assert len({s.name for s in kept.spans() if s.name.startswith(mark)}) == 20
    assert len({r.body.string_value for r in kept.logs() if r.body.string_value.startswith(mark)}) == 20


def test_44_an_identical_request_is_a_success_again(receiver: RunningReceiver) -> None:
    for _ in range(3):
        assert send(receiver, "/v1/traces", json.dumps(json_traces(json_span())).encode(), JSON)[:2] == (200, b"{}")
        assert (
            send(receiver, "/v1/logs", json.dumps(json_logs({"body": {"stringValue": "x"}})).encode(), JSON)[0] == 200
        )


def test_51_a_hundred_thousand_spans_in_one_request_are_answered_in_time(receiver: RunningReceiver) -> None:
    body = traces(*["s"] * 100_000, first=1).SerializeToString()
    started = time.monotonic()
    assert send(receiver, "/v1/traces", body, PROTOBUF)[0] in {200, 503}
    assert time.monotonic() - started < 15, "4 s on a machine that has time"


def test_7_ipv6_loopback_is_served(place: Place) -> None:
    ensure_spool_keys(place.keys)
    spool = SpoolWriter(place.spool, lambda: load_seal_key(place.keys))
    spool.start()
    door = Door(Gate(Source(), digest, keyless=True), spool, Tally(place.status), Bounds(), 1 << 20)
    served = GrpcReceiver(door, "::1", 0)
    served.start()
    try:
        with grpc.insecure_channel(f"[::1]:{served.port}") as channel:
            call = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
            assert call(body_for("/v1/logs"), timeout=10) == b""
        settings = ReceiverSettings(
            place.spool, place.keys, place.ledger, place.status, place.ready, host="::1", http_port=0
        )
        _http_socket(settings).close()
    finally:
        served.stop(0.1)
        spool.close(2)
