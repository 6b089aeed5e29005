"""The three OTLP signals: their messages, their field numbers, their paths. Added to by adding a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

RESOURCE: Descriptor = Resource.DESCRIPTOR
SCOPE: Descriptor = InstrumentationScope.DESCRIPTOR


@dataclass(frozen=True, slots=True)
class OtlpSignal:
    """One signal. All three share field numbers: 1 resource group; in it 1 resource, 2 scope group; in it 1 scope, 2 item."""

    word: str
    """spans, logs or metrics: how counters and pages call it."""
    path: str
    service: str
    request: Any
    item: Descriptor
    groups_key: str
    """JSON name of the top-level list."""
    scopes_key: str
    items_key: str
    rejected_key: str
    """JSON name of the count in `partialSuccess`."""


TRACES = OtlpSignal(
    "spans",
    "/v1/traces",
    "opentelemetry.proto.collector.trace.v1.TraceService",
    ExportTraceServiceRequest,
    Span.DESCRIPTOR,
    "resourceSpans",
    "scopeSpans",
    "spans",
    "rejectedSpans",
)
LOGS = OtlpSignal(
    "logs",
    "/v1/logs",
    "opentelemetry.proto.collector.logs.v1.LogsService",
    ExportLogsServiceRequest,
    LogRecord.DESCRIPTOR,
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "rejectedLogRecords",
)
METRICS = OtlpSignal(
    "metrics",
    "/v1/metrics",
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    ExportMetricsServiceRequest,
    Metric.DESCRIPTOR,
    "resourceMetrics",
    "scopeMetrics",
    "metrics",
    "rejectedDataPoints",
)
SIGNALS = (TRACES, LOGS, METRICS)
