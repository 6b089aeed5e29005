"""Decodes accepted OTLP requests (protobuf bytes) into the house's spans and log records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spans.errors import RefusedError
from spans.ids import SpanId, TraceId, parse_span_id, parse_trace_id
from spans.span import Event, Link, LogRecord, Resource, Scope, Span, StatusCode
from spans.values import Attributes, Value, tag_bytes, tag_double

MAX_DEPTH = 64
"""Levels of lists and maps inside one value; what lies deeper becomes this marker, never an error."""
TOO_DEEP = "<too deep>"

_NUL = "\x00"
_STATUS = {0: StatusCode.UNSET, 1: StatusCode.OK, 2: StatusCode.ERROR}


def decode_traces(raw: bytes) -> Iterator[Span]:
    """Spans of a protobuf ExportTraceServiceRequest, in the order of the wire.

    Args:
        raw: A request the receiver has accepted: well-formed protobuf, every span with usable ids.

    Raises:
        RefusedError: a span without a usable id; the receiver lets none through, so the caller quarantines.
        google.protobuf.message.DecodeError: not such a request at all.
    """
    for resource_spans in ExportTraceServiceRequest.FromString(raw).resource_spans:
        resource = _resource(resource_spans)
        for scope_spans in resource_spans.scope_spans:
            scope = _scope(scope_spans)
            for span in scope_spans.spans:
                yield _span(span, resource, scope)


def decode_logs(raw: bytes) -> Iterator[LogRecord]:
    """Log records of a protobuf ExportLogsServiceRequest, in the order of the wire.

    Args:
        raw: A request the receiver has accepted. Ids that are absent, zero or malformed become None.

    Raises:
        google.protobuf.message.DecodeError: not such a request at all.
    """
    for resource_logs in ExportLogsServiceRequest.FromString(raw).resource_logs:
        resource = _resource(resource_logs)
        for scope_logs in resource_logs.scope_logs:
            scope = _scope(scope_logs)
            for record in scope_logs.log_records:
                yield _log(record, resource, scope)


def _span(raw: Any, resource: Resource, scope: Scope) -> Span:
    marks: list[str] = []
    return Span(
        trace_id=parse_trace_id(raw.trace_id),
        span_id=parse_span_id(raw.span_id),
        name=_text(raw.name, marks),
        parent_span_id=_parent(raw.parent_span_id, marks),
        kind=raw.kind,
        start_ns=raw.start_time_unix_nano,
        end_ns=raw.end_time_unix_nano,
        attributes=_attributes(raw.attributes, marks),
        events=tuple(_event(event, marks) for event in raw.events),
        links=tuple(_links(raw.links, marks)),
        status_code=_STATUS.get(raw.status.code, StatusCode.UNSET),
        status_message=_text(raw.status.message, marks),
        trace_state=_text(raw.trace_state, marks),
        flags=raw.flags,
        dropped_attributes=raw.dropped_attributes_count,
        dropped_events=raw.dropped_events_count,
        dropped_links=raw.dropped_links_count,
        resource=resource,
        scope=scope,
        marks=_unique(marks),
    )


def _log(raw: Any, resource: Resource, scope: Scope) -> LogRecord:
    marks: list[str] = []
    return LogRecord(
        time_ns=raw.time_unix_nano,
        observed_ns=raw.observed_time_unix_nano,
        severity_number=raw.severity_number,
        severity_text=_text(raw.severity_text, marks),
        event_name=_text(raw.event_name, marks),
        body=_value(raw.body, marks, 0) if raw.HasField("body") else None,
        attributes=_attributes(raw.attributes, marks),
        trace_id=_lenient_trace_id(raw.trace_id),
        span_id=_lenient_span_id(raw.span_id),
        flags=raw.flags,
        dropped_attributes=raw.dropped_attributes_count,
        resource=resource,
        scope=scope,
        marks=_unique(marks),
    )


def _resource(envelope: Any) -> Resource:
    raw = envelope.resource
    return Resource(_attributes(raw.attributes, []), raw.dropped_attributes_count, envelope.schema_url)


def _scope(envelope: Any) -> Scope:
    raw = envelope.scope
    marks: list[str] = []
    return Scope(
        _text(raw.name, marks),
        _text(raw.version, marks),
        _attributes(raw.attributes, marks),
        raw.dropped_attributes_count,
        envelope.schema_url,
    )


def _event(raw: Any, marks: list[str]) -> Event:
    return Event(
        _text(raw.name, marks), raw.time_unix_nano, _attributes(raw.attributes, marks), raw.dropped_attributes_count
    )


def _links(raws: Iterable[Any], marks: list[str]) -> Iterator[Link]:
    for raw in raws:
        trace_id, span_id = _lenient_trace_id(raw.trace_id), _lenient_span_id(raw.span_id)
        if trace_id is None or span_id is None:
            marks.append("bad_link")
            continue
        yield Link(
            trace_id,
            span_id,
            _attributes(raw.attributes, marks),
            _text(raw.trace_state, marks),
            raw.flags,
            raw.dropped_attributes_count,
        )


def _attributes(pairs: Iterable[Any], marks: list[str]) -> Attributes:
    return _map(pairs, marks, 0)


def _map(pairs: Iterable[Any], marks: list[str], depth: int) -> dict[str, Value]:
    """Of equal keys the last wins, and the span is marked (dialects reference, section 2.1)."""
    found: dict[str, Value] = {}
    for pair in pairs:
        key = _text(pair.key, marks)
        if key in found:
            marks.append("duplicate_key")
        found[key] = _value(pair.value, marks, depth)
    return found


def _value(raw: Any, marks: list[str], depth: int) -> Value:
    """One AnyValue; an empty one, and one that only indexes a string table, is null."""
    shape = raw.WhichOneof("value")
    if shape == "string_value":
        return _text(raw.string_value, marks)
    if shape == "int_value":
        return int(raw.int_value)
    if shape == "bool_value":
        return bool(raw.bool_value)
    if shape == "double_value":
        return tag_double(raw.double_value)
    if shape == "bytes_value":
        return tag_bytes(raw.bytes_value)
    if shape in {"array_value", "kvlist_value"} and depth >= MAX_DEPTH:
        marks.append("too_deep")
        return TOO_DEEP
    if shape == "array_value":
        return [_value(item, marks, depth + 1) for item in raw.array_value.values]
    if shape == "kvlist_value":
        return _map(raw.kvlist_value.values, marks, depth + 1)
    return None


def _text(raw: str, marks: list[str]) -> str:
    """U+0000 goes: databases and browsers stumble over it (dialects reference, section 2.7)."""
    if _NUL not in raw:
        return raw
    marks.append("nul_removed")
    return raw.replace(_NUL, "")


def _parent(raw: bytes, marks: list[str]) -> SpanId | None:
    parent = _lenient_span_id(raw)
    if parent is None and raw.strip(b"\x00"):
        marks.append("bad_parent")
    return parent


def _lenient_trace_id(raw: bytes) -> TraceId | None:
    try:
        return parse_trace_id(raw)
    except RefusedError:
        return None


def _lenient_span_id(raw: bytes) -> SpanId | None:
    if not raw:
        return None
    try:
        return parse_span_id(raw)
    except RefusedError:
        return None


def _unique(marks: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(marks)) if marks else ()
