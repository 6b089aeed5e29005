"""Drafts of spans and log records, and the OTLP requests made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tracetape.demo.script import Failure, Workflow

Plain = str | bool | int | float | Sequence[str]
"""What the demo puts into an attribute."""

INTERNAL, CLIENT = Span.SpanKind.SPAN_KIND_INTERNAL, Span.SpanKind.SPAN_KIND_CLIENT
"""OTLP span kinds."""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """A timed event of a span."""

    name: str
    time_ns: int
    attributes: Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class SpanDraft:
    """A span to be written; `end_ns` 0 means it has not ended."""

    span_id: bytes
    parent_id: bytes
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Plain]
    kind: Span.SpanKind.ValueType = INTERNAL
    failure: Failure | None = None
    events: tuple[EventDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class LogDraft:
    """A log record that belongs to a span."""

    span_id: bytes
    event_name: str
    time_ns: int
    attributes: Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class Recording:
    """One run as an instrumentation writes it."""

    trace_id: bytes
    resource: Mapping[str, Plain]
    scope: str
    scope_version: str
    spans: tuple[SpanDraft, ...]
    logs: tuple[LogDraft, ...] = ()


def resource_of(workflow: Workflow, version: str, environment: str) -> dict[str, Plain]:
    """The resource attributes that an SDK sends for a service of the fleet."""
    return {
        "service.name": workflow.name,
        "service.version": version,
        "service.namespace": workflow.team,
        "deployment.environment.name": environment,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
    }


def traces_request(recordings: Iterable[Recording]) -> bytes:
    """An `ExportTraceServiceRequest` with every span of these runs."""
    request = ExportTraceServiceRequest()
    for recording in recordings:
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(_pairs(recording.resource))
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = recording.scope
        scope_spans.scope.version = recording.scope_version
        scope_spans.spans.extend(_span(recording.trace_id, draft) for draft in recording.spans)
    return request.SerializeToString()


def logs_request(recordings: Iterable[Recording]) -> bytes:
    """An `ExportLogsServiceRequest` with every log record of these runs."""
    request = ExportLogsServiceRequest()
    for recording in recordings:
        if not recording.logs:
            continue
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.extend(_pairs(recording.resource))
        scope_logs = resource_logs.scope_logs.add()
        scope_logs.scope.name = recording.scope
        scope_logs.scope.version = recording.scope_version
        for draft in recording.logs:
            scope_logs.log_records.add(
                time_unix_nano=draft.time_ns,
                observed_time_unix_nano=draft.time_ns,
                event_name=draft.event_name,
                trace_id=recording.trace_id,
                span_id=draft.span_id,
                attributes=_pairs(draft.attributes),
            )
    return request.SerializeToString()


def _span(trace_id: bytes, draft: SpanDraft) -> Span:
    span = Span(
        trace_id=trace_id,
        span_id=draft.span_id,
        parent_span_id=draft.parent_id,
        name=draft.name,
        kind=draft.kind,
        start_time_unix_nano=draft.start_ns,
        end_time_unix_nano=draft.end_ns,
        attributes=_pairs(draft.attributes),
    )
    for event in draft.events:
        span.events.add(name=event.name, time_unix_nano=event.time_ns, attributes=_pairs(event.attributes))
    if draft.failure:
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=draft.failure.message))
        span.attributes.append(KeyValue(key="error.type", value=AnyValue(string_value=draft.failure.type)))
        noted: dict[str, Plain] = {
            "exception.type": draft.failure.type,
            "exception.message": draft.failure.message,
            "exception.escaped": "False",
        }
        span.events.add(name="exception", time_unix_nano=draft.end_ns, attributes=_pairs(noted))
    return span


def _pairs(attributes: Mapping[str, Plain]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: Plain) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=item) for item in value]))
