"""The conformance checklist over gRPC, against a real receiver."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.answers import RETRY_TRAILER, RefusalError, Trouble, refusal_of
from collector.receivers.grpc import _status
from tests.collector.helpers import Place, RunningReceiver, logs, traces

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
Call = Callable[..., bytes]


@pytest.fixture(scope="module")
def call(receiver: RunningReceiver) -> Any:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc}", options=options) as channel:

        def made(method: str, raw: bytes, **more: Any) -> bytes:
            return channel.unary_unary(method)(raw, timeout=10, **more)

        yield made


def test_1_all_three_services_answer(call: Call) -> None:
    assert call(TRACES, traces("a").SerializeToString()) == b""
    assert call(LOGS, logs("a").SerializeToString()) == b""
    assert call(METRICS, b"") == b""
    assert call(TRACES, b"") == b""


def test_11_gzip_is_read(call: Call, shared_place: Place) -> None:
    name = f"gz-{time.monotonic_ns()}"
    raw = traces(*[name] * 500).SerializeToString()
    assert call(TRACES, raw, compression=grpc.Compression.Gzip) == b""
    assert sum(s.name == name for s in shared_place.kept().spans()) == 500


def test_29_partial_success_counts_what_was_rejected(call: Call) -> None:
    request = traces("a", "b")
    request.resource_spans[0].scope_spans[0].spans[0].span_id = bytes(8)
    said = ExportTraceServiceResponse.FromString(call(TRACES, request.SerializeToString())).partial_success
    assert said.rejected_spans == 1
    assert "invalid span id" in said.error_message


@pytest.mark.parametrize("raw", [b"\xff\xff", b"\x0a\x7f", b"plain text", logs("x").SerializeToString()])
def test_31_what_cannot_be_used_is_an_invalid_argument(call: Call, raw: bytes) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(TRACES, raw)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(caught.value.trailing_metadata())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    assert status.details[0].Unpack(BadRequest())
    assert RETRY_TRAILER not in trailers


def test_14_too_large_is_exhausted_without_a_hint(call: Call) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call(TRACES, bytes(65 * 1024 * 1024))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert RETRY_TRAILER not in dict(caught.value.trailing_metadata())


def test_40_megabytes_are_received(call: Call) -> None:
    assert call(TRACES, traces(*["big"] * 10, text="x" * 4_000_000).SerializeToString()) == b""


def test_25_invalid_utf8_keeps_the_batch(call: Call, shared_place: Place) -> None:
    mark = f"g8-{time.monotonic_ns()}"
    raw = traces(mark + "@@").SerializeToString().replace(b"@@", b"\xff\xfe")
    assert call(TRACES, raw) == b""
    assert f"{mark}\ufffd\ufffd" in [s.name for s in shared_place.kept().spans()]


def test_unknown_methods_are_unimplemented(call: Call) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        call("/made.up.Service/Export", b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_health_service_says_serving(receiver: RunningReceiver) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc}") as channel:
        said = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=""), timeout=5)
    assert said.status == health_pb2.HealthCheckResponse.SERVING


def test_33_overload_carries_both_hints() -> None:
    status = _status(refusal_of(RuntimeError("boom")))
    trailers = dict(status.trailing_metadata)
    assert status.code is grpc.StatusCode.UNAVAILABLE
    assert RetryInfo.FromString(trailers[RETRY_TRAILER]).retry_delay.seconds == 1
    details = Status.FromString(trailers["grpc-status-details-bin"])
    assert details.details[0].Unpack(RetryInfo())
    assert "boom" not in status.details


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_has_a_code(trouble: Trouble) -> None:
    status = _status(RefusalError(trouble, "why"))
    assert status.code.value[0] == trouble.grpc
    assert (RETRY_TRAILER in dict(status.trailing_metadata)) == (trouble is Trouble.BUSY)
