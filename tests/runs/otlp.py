"""Sends test spans and logs over the wire's encodings: built as OTLP, judged at the door, decoded as in production."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import grpc
from fastapi.testclient import TestClient
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.accept import Accepted
from collector.answers import RefusalError, Trouble
from collector.bounds import Bounds
from collector.decode import decode_logs, decode_traces
from collector.door import Door
from collector.receivers.grpc import GrpcReceiver
from collector.receivers.http import HttpReceiver
from collector.signals import LOGS, TRACES, OtlpSignal
from collector.spool.format import Payload
from collector.tally import Tally
from spans.span import LogRecord, Span

HALF = "HALF-OF-AN-EMOJI"
"""Stands for a lone surrogate in requests that go out `Halved`; Python's protobuf cannot write one."""
ENCODINGS = ("protobuf", "json", "grpc")
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
_ENCODING: ContextVar[str] = ContextVar("encoding", default="")
_Item = TypeVar("_Item", Span, LogRecord)


@contextmanager
def sent_as(encoding: str) -> Iterator[None]:
    """Inside, every span and log of the builders travels in this encoding."""
    token = _ENCODING.set(encoding)
    try:
        yield
    finally:
        _ENCODING.reset(token)


def arrived(item: _Item) -> _Item:
    """The item after its way over the wire; untouched outside `sent_as`."""
    encoding = _ENCODING.get()
    if not encoding:
        return item
    if isinstance(item, Span):
        (span,) = decode_traces(admitted(request_of(item), TRACES, encoding).payload.otlp)
        return span
    (log,) = decode_logs(admitted(request_of(item), LOGS, encoding).payload.otlp)
    return log


def admitted(request: Any, signal: OtlpSignal, encoding: str) -> Accepted:
    """What the receiver made of a request that was really sent to it: over gRPC, or over HTTP in one of two encodings.

    Raises:
        RefusalError: it was refused; with the message that the sender got.
    """
    receiver = _receiver()
    receiver.spool.taken = Payload(otlp=b"")
    if encoding == "grpc":
        rejected, items = receiver.by_grpc(request.SerializeToString(), signal)
    else:
        raw = (request.json() if isinstance(request, Halved) else json_of(request)) if encoding == "json" else None
        rejected, items = receiver.by_http(raw if raw is not None else request.SerializeToString(), signal, encoding)
    return Accepted(signal, receiver.spool.taken, items, rejected)


class _Spool:
    """Takes everything at once and remembers the last payload."""

    def __init__(self) -> None:
        self.taken = Payload(otlp=b"")
        self.items = 0

    def refusal(self) -> str:
        return ""

    def has_key(self) -> bool:
        return True

    def offer(self, _signal: object, _project: str, items: int, payload: Payload) -> Future[None]:
        self.taken, self.items = payload, items
        done: Future[None] = Future()
        done.set_result(None)
        return done


class _OpenGate:
    """Lets everybody in."""

    def project_of(self, _headers: object, _peer: object) -> str:
        return "default"


class _Receiver:
    """Both real receivers on one door, the gRPC one on a port of this machine."""

    def __init__(self) -> None:
        self.spool = _Spool()
        tally = Tally(Path(tempfile.mkdtemp()) / "status.json")
        door = Door(_OpenGate(), self.spool, tally, Bounds(), 1 << 26)  # type: ignore[arg-type]
        self._grpc = GrpcReceiver(door, "127.0.0.1", 0)
        self._grpc.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._grpc.port}")
        self._http = TestClient(HttpReceiver(door, ThreadPoolExecutor(2)))

    def by_grpc(self, raw: bytes, signal: OtlpSignal) -> tuple[int, int]:
        """(rejected, kept) items."""
        self.spool.items = 0
        try:
            answer = self._channel.unary_unary(f"/{signal.service}/Export")(raw, timeout=30)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:  # type: ignore[attr-defined]
                raise
            raise RefusalError(Trouble.BAD_DATA, error.details()) from None  # type: ignore[attr-defined]
        return _rejected(answer, signal), self.spool.items

    def by_http(self, raw: bytes, signal: OtlpSignal, encoding: str) -> tuple[int, int]:
        """(rejected, kept) items."""
        self.spool.items = 0
        kind = "application/json" if encoding == "json" else "application/x-protobuf"
        path = "/v1/traces" if signal is TRACES else "/v1/logs"
        answer = self._http.post(path, content=raw, headers={"content-type": kind})
        if answer.status_code != 200:
            assert answer.status_code == 400, answer.text
            raise RefusalError(Trouble.BAD_DATA, answer.content.decode("utf-8", "replace"))
        if encoding == "json":
            told = answer.json().get("partialSuccess", {})
            return int(told.get("rejectedSpans", told.get("rejectedLogRecords", 0))), self.spool.items
        return _rejected(answer.content, signal), self.spool.items


def _rejected(answer: bytes, signal: OtlpSignal) -> int:
    if signal is TRACES:
        return ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
    return ExportLogsServiceResponse.FromString(answer).partial_success.rejected_log_records


@cache
def _receiver() -> _Receiver:
    return _Receiver()


class Halved:
    """A request whose `HALF`s are lone surrogates on the wire: invalid UTF-8 in protobuf, an escape in JSON."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def SerializeToString(self) -> bytes:
        surrogates = b"\xed\xa0\xbd" * 5 + b"!"  # as long as HALF, so that no length on the wire changes
        return bytes(self._request.SerializeToString().replace(HALF.encode(), surrogates))

    def json(self) -> bytes:
        """The same in OTLP/JSON."""
        return json_of(self._request).replace(HALF.encode(), rb"\ud83d")


def json_of(request: Any) -> bytes:
    """OTLP/JSON: as protobuf's JSON, but ids in hex."""

    def fix(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: fix(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [fix(inner) for inner in value]
        return base64.b64decode(value).hex() if key in _IDS else value

    return json.dumps(fix(MessageToDict(request))).encode()


def request_of(*items: Span | LogRecord) -> Any:
    """One request that holds these items, all spans or all logs, of the first one's resource and scope."""
    first = items[0]
    is_span = isinstance(first, Span)
    request: Any = ExportTraceServiceRequest() if is_span else ExportLogsServiceRequest()
    group = (request.resource_spans if is_span else request.resource_logs).add()
    put(group.resource.attributes, first.resource.attributes)
    inner = (group.scope_spans if is_span else group.scope_logs).add()
    inner.scope.name, inner.scope.version = first.scope.name, first.scope.version
    for item in items:
        if isinstance(item, Span):
            _write_span(inner.spans.add(), item)
        else:
            _write_log(inner.log_records.add(), item)
    return request


def _write_span(raw: Any, span: Span) -> None:
    raw.trace_id, raw.span_id = bytes.fromhex(span.trace_id), bytes.fromhex(span.span_id)
    raw.parent_span_id = bytes.fromhex(span.parent_span_id or "")
    raw.name, raw.kind = span.name, span.kind
    raw.start_time_unix_nano, raw.end_time_unix_nano = span.start_ns, span.end_ns
    raw.status.code, raw.status.message = int(span.status_code), span.status_message
    put(raw.attributes, span.attributes)
    for event in span.events:
        made = raw.events.add(name=event.name, time_unix_nano=event.time_ns)
        put(made.attributes, event.attributes)
    for link in span.links:
        raw.links.add(trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id))


def _write_log(raw: Any, log: LogRecord) -> None:
    raw.trace_id, raw.span_id = bytes.fromhex(log.trace_id or ""), bytes.fromhex(log.span_id or "")
    raw.time_unix_nano, raw.event_name = log.time_ns, log.event_name
    if log.body is not None:
        _fill(raw.body, log.body)
    put(raw.attributes, log.attributes)


def put(pairs: Any, values: Mapping[str, Any]) -> None:
    """Write attributes; None becomes a value without a kind."""
    for key, value in values.items():
        _fill(pairs.add(key=key).value, value)


def _fill(raw: Any, value: Any) -> None:
    if value is None:
        raw.SetInParent()
    elif isinstance(value, bool):
        raw.bool_value = value
    elif isinstance(value, int):
        raw.int_value = value
    elif isinstance(value, float):
        raw.double_value = value
    elif isinstance(value, str):
        raw.string_value = value
    elif isinstance(value, Mapping):
        raw.kvlist_value.SetInParent()
        put(raw.kvlist_value.values, value)
    elif isinstance(value, Sequence):
        raw.array_value.SetInParent()
        for one in value:
            _fill(raw.array_value.values.add(), one)
    else:
        raise TypeError(f"no OTLP value: {type(value)}")
