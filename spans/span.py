"""One span and one log record as received: the decoded OTLP, before anything is interpreted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from spans.ids import SpanId, TraceId
from spans.values import Attributes, Value


class StatusCode(IntEnum):
    """OTLP `Status.StatusCode`."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Resource:
    """Who sent it: OTLP `Resource`."""

    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0
    schema_url: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which instrumentation wrote it: OTLP `InstrumentationScope`."""

    name: str = ""
    version: str = ""
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0
    schema_url: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A timed event on a span; `time_ns` is Unix time in nanoseconds."""

    name: str
    time_ns: int = 0
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to another span."""

    trace_id: TraceId
    span_id: SpanId
    attributes: Attributes = field(default_factory=dict)
    trace_state: str = ""
    flags: int = 0
    dropped_attributes: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """One step as received. Times are Unix nanoseconds; `end_ns == 0` means not ended.

    `marks` names repairs made at the door (for example `utf8_repaired`), never content.
    """

    trace_id: TraceId
    span_id: SpanId
    name: str
    parent_span_id: SpanId | None = None
    kind: int = 0
    start_ns: int = 0
    end_ns: int = 0
    attributes: Attributes = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    status_code: StatusCode = StatusCode.UNSET
    status_message: str = ""
    trace_state: str = ""
    flags: int = 0
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record as received. Ids are None when absent, all zero or malformed (never a reason to reject)."""

    time_ns: int = 0
    observed_ns: int = 0
    severity_number: int = 0
    severity_text: str = ""
    event_name: str = ""
    body: Value = None
    attributes: Attributes = field(default_factory=dict)
    trace_id: TraceId | None = None
    span_id: SpanId | None = None
    flags: int = 0
    dropped_attributes: int = 0
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    marks: tuple[str, ...] = ()
