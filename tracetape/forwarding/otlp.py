"""Writes clean spans as OTLP again: the other direction of `collector.decode`."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from spans.clean import CleanSpan
from spans.span import Span
from spans.values import BYTES_TAG, DOUBLE_TAG, Attributes, Value

PROJECT = "tracetape.project"
"""Resource attribute that says in which project the span is stored."""
_INT = range(-(2**63), 2**63)
_U32 = 2**32 - 1


def request_of(spans: Iterable[CleanSpan]) -> ExportTraceServiceRequest:
    """One request with these spans, neighbours of one resource and scope together."""
    request = ExportTraceServiceRequest()
    before: CleanSpan | None = None
    for clean in spans:
        span = clean.span
        new_resource = (
            before is None or before.span.resource != span.resource or before.origin.project != clean.origin.project
        )
        if new_resource:
            envelope = request.resource_spans.add(schema_url=_text(span.resource.schema_url))
            envelope.resource.attributes.extend(_pairs({**span.resource.attributes, PROJECT: clean.origin.project}))
            envelope.resource.dropped_attributes_count = _count(span.resource.dropped_attributes)
        if new_resource or (before is not None and before.span.scope != span.scope):
            scoped = envelope.scope_spans.add(schema_url=_text(span.scope.schema_url))
            scoped.scope.name, scoped.scope.version = _text(span.scope.name), _text(span.scope.version)
            scoped.scope.attributes.extend(_pairs(span.scope.attributes))
            scoped.scope.dropped_attributes_count = _count(span.scope.dropped_attributes)
        scoped.spans.append(_span(span))
        before = clean
    return request


def count_of(request: ExportTraceServiceRequest) -> int:
    """Spans in a request."""
    return sum(len(scoped.spans) for envelope in request.resource_spans for scoped in envelope.scope_spans)


def halves_of(request: ExportTraceServiceRequest) -> tuple[ExportTraceServiceRequest, ExportTraceServiceRequest]:
    """The first and the second half of a request of at least two spans."""
    middle = count_of(request) // 2
    return _part(request, range(middle)), _part(request, range(middle, count_of(request)))


def _part(request: ExportTraceServiceRequest, wanted: Sequence[int]) -> ExportTraceServiceRequest:
    part = ExportTraceServiceRequest()
    number = 0
    for envelope in request.resource_spans:
        kept = part.resource_spans.add(schema_url=envelope.schema_url)
        kept.resource.CopyFrom(envelope.resource)
        for scoped in envelope.scope_spans:
            mine = [span for n, span in enumerate(scoped.spans, number) if n in wanted]
            number += len(scoped.spans)
            if mine:
                kept_scope = kept.scope_spans.add(schema_url=scoped.schema_url)
                kept_scope.scope.CopyFrom(scoped.scope)
                kept_scope.spans.extend(mine)
        if not kept.scope_spans:
            del part.resource_spans[-1]
    return part


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
