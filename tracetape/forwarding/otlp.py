"""Writes clean spans and log records as OTLP again: the other direction of `collector.decode`."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as WireLog
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

from spans.clean import Clean, CleanSpan
from spans.health import ForwardSignal
from spans.span import LogRecord, Span
from spans.values import BYTES_TAG, DOUBLE_TAG, Attributes, Value

Request = ExportTraceServiceRequest | ExportLogsServiceRequest
PROJECT = "tracetape.project"
"""Resource attribute that says in which project an item is stored."""
_INT = range(-(2**63), 2**63)
_U32 = 2**32 - 1


def request_of(items: Iterable[Clean], signal: ForwardSignal = "spans") -> Request:
    """One request with these items, all of one signal, neighbours of one resource and scope together."""
    request: Request = ExportTraceServiceRequest() if signal == "spans" else ExportLogsServiceRequest()
    before: Clean | None = None
    for clean in items:
        item = _inside(clean)
        known = None if before is None else _inside(before)
        new_resource = (
            before is None
            or known is None
            or known.resource != item.resource
            or before.origin.project != clean.origin.project
        )
        if new_resource:
            envelope = _envelopes(request).add(schema_url=_text(item.resource.schema_url))
            envelope.resource.attributes.extend(_pairs({**item.resource.attributes, PROJECT: clean.origin.project}))
            envelope.resource.dropped_attributes_count = _count(item.resource.dropped_attributes)
        if new_resource or (known is not None and known.scope != item.scope):
            scoped = _scopes(envelope).add(schema_url=_text(item.scope.schema_url))
            scoped.scope.name, scoped.scope.version = _text(item.scope.name), _text(item.scope.version)
            scoped.scope.attributes.extend(_pairs(item.scope.attributes))
            scoped.scope.dropped_attributes_count = _count(item.scope.dropped_attributes)
        _items(scoped).append(_span(item) if isinstance(item, Span) else _log(item))
        before = clean
    return request


def parse_request(body: bytes, signal: ForwardSignal) -> Request:
    """What `SerializeToString` of a request wrote."""
    kind = ExportTraceServiceRequest if signal == "spans" else ExportLogsServiceRequest
    return kind.FromString(body)


def count_of(request: Request) -> int:
    """Items in a request."""
    return sum(len(_items(scoped)) for envelope in _envelopes(request) for scoped in _scopes(envelope))


def halves_of(request: Request) -> tuple[Request, Request]:
    """The first and the second half of a request of at least two items."""
    middle = count_of(request) // 2
    return _part(request, range(middle)), _part(request, range(middle, count_of(request)))


def _part(request: Request, wanted: Sequence[int]) -> Request:
    part = type(request)()
    number = 0
    for envelope in _envelopes(request):
        kept = _envelopes(part).add(schema_url=envelope.schema_url)
        kept.resource.CopyFrom(envelope.resource)
        for scoped in _scopes(envelope):
            mine = [item for n, item in enumerate(_items(scoped), number) if n in wanted]
            number += len(_items(scoped))
            if mine:
                kept_scope = _scopes(kept).add(schema_url=scoped.schema_url)
                kept_scope.scope.CopyFrom(scoped.scope)
                _items(kept_scope).extend(mine)
        if not _scopes(kept):
            del _envelopes(part)[-1]
    return part


def _inside(clean: Clean) -> Span | LogRecord:
    return clean.span if isinstance(clean, CleanSpan) else clean.log


def _envelopes(request: Request) -> Any:
    """The repeated field that both signals have under two names; so have the next two."""
    return request.resource_spans if isinstance(request, ExportTraceServiceRequest) else request.resource_logs


def _scopes(envelope: Any) -> Any:
    return envelope.scope_spans if isinstance(envelope, ResourceSpans) else envelope.scope_logs


def _items(scoped: Any) -> Any:
    return scoped.spans if isinstance(scoped, ScopeSpans) else scoped.log_records


def _log(log: LogRecord) -> WireLog:
    return WireLog(
        time_unix_nano=log.time_ns,
        observed_time_unix_nano=log.observed_ns,
        severity_number=log.severity_number,  # type: ignore[arg-type]
        severity_text=_text(log.severity_text),
        event_name=_text(log.event_name),
        body=None if log.body is None else _value(log.body),
        attributes=_pairs(log.attributes),
        trace_id=bytes.fromhex(log.trace_id or ""),
        span_id=bytes.fromhex(log.span_id or ""),
        flags=log.flags & _U32,
        dropped_attributes_count=_count(log.dropped_attributes),
    )


def _span(span: Span) -> WireSpan:
    wire = WireSpan(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id) if span.parent_span_id else b"",
        name=_text(span.name),
        kind=span.kind,  # type: ignore[arg-type]
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=_pairs(span.attributes),
        status=Status(code=int(span.status_code), message=_text(span.status_message)),  # type: ignore[arg-type]
        trace_state=_text(span.trace_state),
        flags=span.flags & _U32,
        dropped_attributes_count=_count(span.dropped_attributes),
        dropped_events_count=_count(span.dropped_events),
        dropped_links_count=_count(span.dropped_links),
    )
    for event in span.events:
        wire.events.add(
            name=_text(event.name),
            time_unix_nano=event.time_ns,
            attributes=_pairs(event.attributes),
            dropped_attributes_count=_count(event.dropped_attributes),
        )
    for link in span.links:
        wire.links.add(
            trace_id=bytes.fromhex(link.trace_id),
            span_id=bytes.fromhex(link.span_id),
            attributes=_pairs(link.attributes),
            trace_state=_text(link.trace_state),
            flags=link.flags & _U32,
            dropped_attributes_count=_count(link.dropped_attributes),
        )
    return wire


def _pairs(attributes: Attributes) -> Iterator[KeyValue]:
    for key, value in attributes.items():
        yield KeyValue(key=_text(key), value=_value(value))


def _value(value: Value) -> AnyValue:
    wire = AnyValue()
    if isinstance(value, str):
        wire.string_value = _text(value)
    elif isinstance(value, bool):
        wire.bool_value = value
    elif isinstance(value, int):
        if value in _INT:
            wire.int_value = value
        else:
            wire.double_value = float(value)
    elif isinstance(value, float):
        wire.double_value = value
    elif isinstance(value, Mapping):
        _put_map(wire, value)
    elif value is not None:
        wire.array_value.SetInParent()
        wire.array_value.values.extend(_value(item) for item in value)
    return wire


def _put_map(wire: AnyValue, value: Mapping[str, Value]) -> None:
    """A map, or what `spans.values` writes as a tagged map: bytes and doubles that JSON does not have."""
    if len(value) == 1:
        [(tag, inner)] = value.items()
        if tag == DOUBLE_TAG and inner in {"NaN", "Infinity", "-Infinity"}:
            wire.double_value = float(str(inner))
            return
        if tag == BYTES_TAG and isinstance(inner, str):
            try:
                wire.bytes_value = base64.b64decode(inner, validate=True)
            except ValueError:  # redaction wrote something else there
                wire.string_value = _text(inner)
            return
    wire.kvlist_value.SetInParent()
    wire.kvlist_value.values.extend(_pairs(value))


def _text(text: str) -> str:
    """Half a surrogate pair has no place in protobuf."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(number: int) -> int:
    return min(max(number, 0), _U32)
