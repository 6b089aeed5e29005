"""Short builders for clean spans and logs as an instrumentation writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from runs.assemble import assemble
from runs.content import content_of
from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.clean import CleanLog, CleanSpan, Redaction
from spans.content import SpanContent
from spans.facts import SpanFacts
from spans.ids import SpanId, TraceId
from spans.run import Assembly
from spans.span import Event, Link, LogRecord, Resource, Scope, Span, StatusCode
from tests.runs.otlp import arrived
from tests.runs.scoring import ORIGIN, log_id_of

T0 = 1_764_000_000_000_000_000
MS = 1_000_000
TRACE = TraceId("0af7651916cd43dd8448eb211c80319c")
BOOK = PriceBook()


_MADE: ContextVar[list[CleanSpan | CleanLog] | None] = ContextVar("made", default=None)


@contextmanager
def noting() -> Iterator[list[CleanSpan | CleanLog]]:
    """Inside, every span and log that the builders make is added to the list."""
    made: list[CleanSpan | CleanLog] = []
    token = _MADE.set(made)
    try:
        yield made
    finally:
        _MADE.reset(token)


def _note(item: CleanSpan | CleanLog) -> None:
    noted = _MADE.get()
    if noted is not None:
        noted.append(item)


def an_id(number: int) -> SpanId:
    return SpanId(f"{number:016x}")


def clean(
    number: int = 1,
    name: str = "chat gpt-4o-mini",
    attributes: Mapping[str, Any] | None = None,
    *,
    parent: int | None = None,
    scope: str = "some.scope",
    scope_version: str = "1.0",
    start: int = 0,
    end: int | None = 100,
    events: Sequence[tuple[str, Mapping[str, Any]]] = (),
    status: StatusCode = StatusCode.UNSET,
    message: str = "",
    trace: TraceId = TRACE,
    resource: Mapping[str, Any] | None = None,
    kind: int = 1,
    links: Sequence[tuple[TraceId, SpanId]] = (),
) -> CleanSpan:
    """A clean span; `start` and `end` are milliseconds after T0, `end=None` means not ended."""
    span = Span(
        trace_id=trace,
        span_id=an_id(number),
        name=name,
        parent_span_id=None if parent is None else an_id(parent),
        kind=kind,
        start_ns=T0 + start * MS,
        end_ns=0 if end is None else T0 + end * MS,
        attributes=attributes or {},
        events=tuple(Event(event, T0 + start * MS + i, body) for i, (event, body) in enumerate(events)),
        links=tuple(Link(trace_id, span_id) for trace_id, span_id in links),
        status_code=status,
        status_message=message,
        resource=Resource(resource if resource is not None else {"service.name": "refund-agent"}),
        scope=Scope(scope, scope_version),
    )
    made = CleanSpan(arrived(span), ORIGIN, (), Redaction.OFF, "")
    _note(made)
    return made


def clean_log(
    event: str = "",
    attributes: Mapping[str, Any] | None = None,
    *,
    body: Any = None,
    span: int | None = 1,
    trace: TraceId | None = TRACE,
    scope: str = "some.scope",
    at: int = 50,
) -> CleanLog:
    """A clean log record, `at` milliseconds after T0."""
    log = LogRecord(
        time_ns=T0 + at * MS,
        event_name=event,
        body=body,
        attributes=attributes or {},
        trace_id=trace,
        span_id=None if span is None else an_id(span),
        resource=Resource({"service.name": "refund-agent"}),
        scope=Scope(scope),
    )
    log = arrived(log)
    made = CleanLog(log, log_id_of(log), ORIGIN, (), Redaction.OFF, "")
    _note(made)
    return made


def facts(*args: Any, **changes: Any) -> SpanFacts:
    return facts_of(clean(*args, **changes))


def content(*args: Any, logs: Sequence[CleanLog] = (), **changes: Any) -> SpanContent:
    return content_of(clean(*args, **changes), logs)


def assembled(*items: CleanSpan | CleanLog, near: Sequence[CleanSpan | CleanLog] = ()) -> Assembly:
    return assemble([facts_of(item) for item in items], book=BOOK, neighbours=[facts_of(item) for item in near])


def chat(number: int = 1, **changes: Any) -> CleanSpan:
    """A model call in the current conventions, 120 tokens in and 30 out."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 30,
        **changes.pop("attributes", {}),
    }
    return clean(number, changes.pop("name", "chat gpt-4o-mini"), attributes, **changes)


def tool(number: int = 1, name: str = "lookup", **changes: Any) -> CleanSpan:
    """A tool call in the current conventions."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        **changes.pop("attributes", {}),
    }
    return clean(number, f"execute_tool {name}", attributes, **changes)


def agent(number: int = 1, name: str = "support", **changes: Any) -> CleanSpan:
    """An agent in the current conventions."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        **changes.pop("attributes", {}),
    }
    return clean(number, f"invoke_agent {name}", attributes, **changes)
