"""Sends test spans and logs over the wire's encodings: built as OTLP, judged at the door, decoded as in production."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.accept import Accepted, accept
from collector.bounds import Bounds
from collector.decode import decode_logs, decode_traces
from collector.otlp_json import transcode
from collector.signals import LOGS, TRACES, OtlpSignal
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
    """What the door makes of a request. Whole requests and items one by one are two ways through it, so gRPC takes the second."""
    if encoding == "json":
        raw = request.json() if isinstance(request, Halved) else json_of(request)
        made = transcode(raw, signal, Bounds())
        return accept(made.raw, signal, Bounds(), marks=made.marks, already=made.rejected, warnings=made.warnings)
    return accept(request.SerializeToString(), signal, Bounds(quick_bytes=0) if encoding == "grpc" else Bounds())


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
