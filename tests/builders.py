"""Builders with defaults: a test names only what matters to it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from msgspec import structs

from spans.clean import CleanLog, CleanSpan, Origin, Redaction, RedactionNote
from spans.facts import SpanFacts
from spans.finding import Finding, FindingKind, Severity
from spans.ids import RunId, SpanId, TraceId
from spans.kinds import RunMode, RunShape, RunStatus, SpanKind, UsageRole
from spans.run import Assembly, Run, Step
from spans.span import LogRecord, Resource, Scope, Span, StatusCode
from spans.usage import Cost, CostLine, Usage

DAY = date(2026, 11, 20)
"""The received day of everything built here unless told otherwise."""
NOW_NS = int(datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()) * 1_000_000_000
"""Noon of that day."""
SECOND_NS = 1_000_000_000
TRACE = TraceId("0af7651916cd43dd8448eb211c80319c")
SPAN = SpanId("b7ad6b7169203331")


def a_trace_id(number: int = 1) -> TraceId:
    """A readable trace id: the number in hex."""
    return TraceId(f"{number:032x}")


def a_span_id(number: int = 1) -> SpanId:
    """A readable span id: the number in hex."""
    return SpanId(f"{number:016x}")


def a_span(**changes: Any) -> Span:
    """A chat span as an agent's SDK sends it; change any field of `Span` by name."""
    span = Span(
        trace_id=TRACE,
        span_id=SPAN,
        name="chat gpt-4o",
        kind=3,
        start_ns=NOW_NS,
        end_ns=NOW_NS + SECOND_NS,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 120,
            "gen_ai.usage.output_tokens": 30,
        },
        status_code=StatusCode.UNSET,
        resource=Resource({"service.name": "refund-agent"}),
        scope=Scope("opentelemetry.instrumentation.openai_v2", "2.4"),
    )
    return replace(span, **changes)


def a_log(**changes: Any) -> LogRecord:
    """A log record that belongs to `a_span()`; change any field of `LogRecord` by name."""
    log = LogRecord(
        time_ns=NOW_NS,
        observed_ns=NOW_NS,
        severity_number=9,
        severity_text="INFO",
        event_name="gen_ai.user.message",
        body={"content": "hello"},
        trace_id=TRACE,
        span_id=SPAN,
        resource=Resource({"service.name": "refund-agent"}),
        scope=Scope("opentelemetry.instrumentation.openai_v2", "2.4"),
    )
    return replace(log, **changes)


def an_origin(**changes: Any) -> Origin:
    """Where an item of project `default` stands in the spool."""
    return replace(Origin("default", NOW_NS, DAY, "00000001", 0, 0), **changes)


def a_clean_span(span: Span | None = None, **changes: Any) -> CleanSpan:
    """A redacted span; fields of `Origin`, of `CleanSpan` or of `Span` may be changed by name."""
    own, origin, inner = _split(CleanSpan, changes, Span)
    clean = CleanSpan(
        span=replace(span or a_span(), **inner),
        origin=an_origin(**origin),
        notes=(RedactionNote("/attributes/user.email", "EMAIL_ADDRESS", "pseudonym"),),
        redaction=Redaction.FULL,
        fingerprint="rules-1",
    )
    return replace(clean, **own)


def a_clean_log(log: LogRecord | None = None, **changes: Any) -> CleanLog:
    """A redacted log record; fields of `Origin`, of `CleanLog` or of `LogRecord` may be changed by name."""
    own, origin, inner = _split(CleanLog, changes, LogRecord)
    clean = CleanLog(
        log=replace(log or a_log(), **inner),
        log_id="1" * 32,
        origin=an_origin(**origin),
        notes=(),
        redaction=Redaction.FULL,
        fingerprint="rules-1",
    )
    return replace(clean, **own)


def some_facts(**changes: Any) -> SpanFacts:
    """Facts of `a_span()`: one priced model call; change any field of `SpanFacts` by name."""
    facts = SpanFacts(
        version=1,
        project="default",
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id=None,
        source="span",
        name="chat gpt-4o",
        start_ns=NOW_NS,
        end_ns=NOW_NS + SECOND_NS,
        status="unset",
        kind=SpanKind.MODEL,
        dialects=("otel",),
        service="refund-agent",
        provider="openai",
        request_model="gpt-4o",
        response_model="gpt-4o-2024-08-06",
        usage=Usage(input=120, output=30),
        attribute_count=4,
        content_hash="c" * 32,
        received_day=DAY,
        received_ns=NOW_NS,
    )
    return structs.replace(facts, **changes)


def a_step(**changes: Any) -> Step:
    """One counted, priced model call; change any field of `Step` by name."""
    step = Step(
        run_id=RunId(TRACE),
        trace_id=TRACE,
        span_id=SPAN,
        parent_span_id=None,
        ordinal=0,
        depth=0,
        kind=SpanKind.MODEL,
        subkind="chat",
        name="chat gpt-4o",
        start_ns=NOW_NS,
        duration_ns=SECOND_NS,
        status=RunStatus.OK,
        provider="openai",
        request_model="gpt-4o",
        response_model="gpt-4o-2024-08-06",
        usage=Usage(input=120, output=30),
        usage_role=UsageRole.OWN,
        cost=Cost(
            Decimal("0.0006"),
            "computed",
            "openai/gpt-4o",
            (
                CostLine("input", 120, Decimal("2.5"), Decimal("0.0003")),
                CostLine("output", 30, Decimal(10), Decimal("0.0003")),
            ),
        ),
        service="refund-agent",
        dialects=("otel",),
    )
    return structs.replace(step, **changes)


def a_run(**changes: Any) -> Run:
    """A finished run of workflow `refunds` in `default`; change any field of `Run` by name."""
    run = Run(
        run_id=RunId(TRACE),
        project="default",
        first_received_day=DAY,
        last_received_ns=NOW_NS,
        version=1,
        digest="d" * 32,
        name="refund request",
        service="refund-agent",
        environment="production",
        mode=RunMode.LIVE,
        shape=RunShape.AGENT,
        workflow="refunds",
        workflow_source="agent",
        workflow_version="1",
        agents=("refund-agent",),
        session_id="",
        user_id="",
        started_ns=NOW_NS,
        duration_ns=SECOND_NS,
        status=RunStatus.OK,
        cost_usd=Decimal("0.0006"),
        usage=Usage(input=120, output=30),
        span_count=1,
        model_calls=1,
        models=("gpt-4o-2024-08-06",),
        dialects=("otel",),
    )
    return structs.replace(run, **changes)


def an_assembly(*steps: Step, **changes: Any) -> Assembly:
    """A run with steps of its own id (one model call unless given); changes go to the run."""
    run = a_run(**changes)
    own = tuple(
        structs.replace(step, run_id=run.run_id, trace_id=TraceId(run.run_id)) for step in (steps or (a_step(),))
    )
    return Assembly(run, own)


def _split(outer: type, changes: dict[str, Any], inner: type) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Sort changes by the type that has the field: the outer one, then its origin, then the inner one."""
    names = [{f.name for f in fields(kind)} for kind in (outer, Origin, inner)]
    unknown = set(changes) - set.union(*names)
    if unknown:
        msg = f"no such field: {', '.join(sorted(unknown))}"
        raise TypeError(msg)
    first, second, _ = names
    return (
        {k: v for k, v in changes.items() if k in first},
        {k: v for k, v in changes.items() if k in second - first},
        {k: v for k, v in changes.items() if k not in first | second},
    )


def a_finding(**changes: Any) -> Finding:
    """A drift of `refund-agent` that nobody has decided about; change any field of `Finding` by name."""
    finding = Finding(
        kind=FindingKind.DRIFT,
        project="default",
        environment="production",
        workflow="refund-agent",
        subject="trailing",
        severity=Severity.TICKET,
        detected_ns=NOW_NS,
        since_ns=NOW_NS - 3600 * SECOND_NS,
        summary="refund-agent changed.",
    )
    return replace(finding, **changes)
