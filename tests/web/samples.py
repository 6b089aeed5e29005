"""Runs for tests of the web, through the real chain: a refund that was denied, with messages, tools and documents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from spans.ids import TraceId
from spans.span import Event, Resource, Scope, Span, StatusCode
from store.memory import MemoryStore
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_trace_id
from tests.web.house import clean, fill

SCOPE = Scope("opentelemetry.instrumentation.genai.openai", "1.3b0")
FIELDS: Mapping[str, str] = {
    "service.name": "refund-agent",
    "service.version": "",
    "deployment.environment.name": "production",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.tool.name": "execute_refund",
    "gen_ai.tool.call.id": "call_1",
    "finish_reason": "stop",
    "error.type": "PermissionError",
    "exception.type": "PermissionError",
    "scope": SCOPE.name,
    "scope.version": SCOPE.version,
}
"""Short fields that are no text of a conversation, with their usual values."""


def refund_spans(
    number: int = 1,
    *,
    text: str = "I want a refund",
    key: str = "app.note",
    at_ns: int = NOW_NS,
    name: str = "refund-agent",
    keys: Sequence[str] = (),
    fields: Mapping[str, str] | None = None,
) -> list[Span]:
    """An agent that looks up an order and is denied a refund; `text` stands in every field that holds text.

    `keys` are further attribute keys, each of which is its own value; `fields` replaces some of the usual `FIELDS`.
    """
    trace = a_trace_id(number)
    said = {**FIELDS, **(fields or {})}
    model, tool, call_id = (said[f"gen_ai.{field}"] for field in ("request.model", "tool.name", "tool.call.id"))
    scope = Scope(said["scope"], said["scope.version"])
    more = {one: one for one in keys}
    service = {field: said[field] for field in ("service.name", "service.version", "deployment.environment.name")}
    resource = Resource({**{field: value for field, value in service.items() if value}, key: text, **more})

    def span(n: int, title: str, parent: int | None, start_s: float, length_s: float, **changes: object) -> Span:
        start = at_ns + int(start_s * SECOND_NS)
        return Span(
            trace,
            a_span_id(number * 100 + n),
            title,
            parent_span_id=a_span_id(number * 100 + parent) if parent else None,
            start_ns=start,
            end_ns=start + int(length_s * SECOND_NS),
            resource=resource,
            scope=scope,
            **changes,  # type: ignore[arg-type]
        )

    chat = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": model}
    asked = [{"role": "user", "parts": [{"type": "text", "content": text}]}]
    call = {"type": "tool_call", "id": call_id, "name": tool, "arguments": {"amount": 1249.0, key: text, **more}}
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": f"Let me see. {text}"}, call]}]
    final = [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": f"I could not: {text}"}],
            "finish_reason": said["finish_reason"],
        }
    ]
    history = [
        *asked,
        *answer,
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": call_id, "response": text}]},
    ]
    return [
        span(
            1,
            f"invoke_agent {name}",
            None,
            0,
            5,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": name,
                "gen_ai.conversation.id": f"conv {text}",
                "user.id": text,
                key: text,
                **more,
            },
        ),
        span(
            2,
            f"chat {model}",
            1,
            0.1,
            1,
            attributes={
                **chat,
                "gen_ai.usage.input_tokens": 639,
                "gen_ai.usage.output_tokens": 57,
                "gen_ai.system_instructions": json.dumps([{"type": "text", "content": f"You are careful. {text}"}]),
                "gen_ai.input.messages": json.dumps(asked),
                "gen_ai.output.messages": json.dumps(answer),
                "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": tool, "description": text}]),
                key: json.dumps({key: [text], **more}),
            },
        ),
        span(
            3,
            f"execute_tool {tool}",
            1,
            1.2,
            0.5,
            status_code=StatusCode.ERROR,
            status_message=text,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": tool,
                "gen_ai.tool.call.id": call_id,
                "gen_ai.tool.call.arguments": json.dumps({"amount": 1249.0, key: text, **more}),
                "error.type": said["error.type"],
            },
            events=(
                Event(
                    "exception",
                    at_ns + 2 * SECOND_NS,
                    {"exception.type": said["exception.type"], "exception.message": text, "exception.stacktrace": text},
                ),
            ),
        ),
        span(
            4,
            "retrieval handbook",
            1,
            2,
            0.2,
            attributes={
                "gen_ai.operation.name": "retrieval",
                "gen_ai.retrieval.query.text": text,
                "gen_ai.retrieval.documents": json.dumps([{"id": text, "content": text, "score": 0.9}]),
            },
        ),
        span(
            5,
            f"chat {model}",
            1,
            3,
            1,
            attributes={
                **chat,
                "gen_ai.usage.input_tokens": 800,
                "gen_ai.usage.output_tokens": 20,
                "gen_ai.input.messages": json.dumps(history),
                "gen_ai.output.messages": json.dumps(final),
            },
        ),
    ]


def add_refund(store: MemoryStore, number: int = 1, *, project: str = "default", **changes: object) -> TraceId:
    """Put one such run into a store."""
    return fill(store, clean(refund_spans(number, **changes), project))[0]  # type: ignore[arg-type]
