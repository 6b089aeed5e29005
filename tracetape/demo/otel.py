"""Writes a played run the way the OpenTelemetry GenAI conventions ask for, with content on the spans."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tracetape.demo.otlp import CLIENT, LogDraft, Plain, Recording, SpanDraft, resource_of
from tracetape.demo.played import Played, PlayedCall, PlayedTurn, answer
from tracetape.demo.script import Call, Turn

_SCOPE, _SCOPE_VERSION = "opentelemetry.instrumentation.genai.openai", "1.3b0"

Json = dict[str, object]


def write(played: Played) -> Recording:
    """One run as spans, and its evaluations as log records."""
    script = played.script
    root = played.span_id("root")
    spans = tuple(_spans(played, root))
    logs = tuple(
        LogDraft(
            span_id=spans[0].span_id,
            event_name="gen_ai.evaluation.result",
            time_ns=played.end_ns,
            attributes={
                "gen_ai.evaluation.name": judged.name,
                "gen_ai.evaluation.score.value": judged.score,
                "gen_ai.evaluation.score.label": judged.label,
            },
        )
        for judged in script.judged
    )
    resource = resource_of(script.workflow, script.version, script.environment)
    return Recording(played.trace_id(), resource, _SCOPE, _SCOPE_VERSION, spans, logs)


def _spans(played: Played, root: bytes) -> Iterator[SpanDraft]:
    parent = root if played.script.workflow.is_agent else b""
    if parent:
        yield _agent(played, root)
    history: list[Json] = [_message("user", _text(played.script.question))]
    for number, turn in enumerate(played.turns):
        yield _chat(played, turn, parent, number, history)
        history.append(_spoken(turn))
        for position, call in enumerate(turn.calls):
            yield from _tool(played, call, parent, f"{number}/{position}")
            history.append(
                _message("tool", {"type": "tool_call_response", "id": call.call_id, "response": answer(call.call)})
            )


def _agent(played: Played, root: bytes) -> SpanDraft:
    script = played.script
    attributes = _common(played, "invoke_agent") | {
        "gen_ai.agent.name": script.workflow.name,
        "gen_ai.agent.version": script.version,
        "gen_ai.input.messages": json.dumps([_message("user", _text(script.question))]),
    }
    last = script.turns[-1]
    if last.text and not script.is_running:
        attributes["gen_ai.output.messages"] = json.dumps([_message("assistant", _text(last.text))])
    return SpanDraft(
        span_id=root,
        parent_id=b"",
        name=f"invoke_agent {script.workflow.name}",
        start_ns=played.start_ns,
        end_ns=0 if script.is_running else played.end_ns,
        attributes=attributes,
        failure=script.failure,
    )


def _chat(played: Played, turn: PlayedTurn, parent: bytes, number: int, history: list[Json]) -> SpanDraft:
    workflow = played.script.workflow
    attributes = _common(played, "chat") | {
        "gen_ai.request.temperature": 0.2,
        "gen_ai.system_instructions": json.dumps([_text(workflow.system)]),
        "gen_ai.input.messages": json.dumps(history),
    }
    if workflow.tools:
        attributes["gen_ai.tool.definitions"] = json.dumps(
            [
                {"type": "function", "name": t.name, "description": t.description, "parameters": t.schema()}
                for t in workflow.tools
            ]
        )
    if turn.turn.failure is None:
        attributes |= {
            "gen_ai.response.id": turn.response_id,
            "gen_ai.response.model": workflow.response_model,
            "gen_ai.response.finish_reasons": ["tool_calls" if turn.turn.calls else "stop"],
            "gen_ai.response.time_to_first_chunk": round((turn.end_ns - turn.start_ns) * 0.2 / 1e9, 3),
            "gen_ai.usage.input_tokens": turn.input_tokens,
            "gen_ai.usage.cache_read.input_tokens": turn.cached_tokens,
            "gen_ai.usage.output_tokens": turn.output_tokens,
            "gen_ai.output.messages": json.dumps([_spoken(turn)]),
        }
        if turn.turn.reasoning_tokens:
            attributes["gen_ai.usage.reasoning.output_tokens"] = turn.turn.reasoning_tokens
    return SpanDraft(
        span_id=played.span_id(f"chat/{number}"),
        parent_id=parent,
        name=f"chat {workflow.model}",
        start_ns=turn.start_ns,
        end_ns=turn.end_ns,
        attributes=attributes,
        kind=CLIENT,
        failure=turn.turn.failure,
    )


def _tool(played: Played, done: PlayedCall, parent: bytes, place: str) -> Iterator[SpanDraft]:
    call, own = done.call, played.span_id(f"tool/{place}")
    attributes: dict[str, Plain] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.call.id": done.call_id,
        "gen_ai.tool.type": "datastore" if call.hits else "function",
        "gen_ai.conversation.id": played.script.session,
        "gen_ai.tool.call.arguments": json.dumps(dict(call.arguments)),
    }
    if call.failure is None:
        attributes["gen_ai.tool.call.result"] = answer(call)
    if call.denied_by and call.failure:
        attributes |= {
            "tracetape.decision": "deny",
            "tracetape.decision.by": "policy",
            "tracetape.decision.rule": call.denied_by,
            "tracetape.decision.reason": call.failure.message,
        }
    yield SpanDraft(
        own, parent, f"execute_tool {call.name}", done.start_ns, done.end_ns, attributes, failure=call.failure
    )
    if call.hits:
        yield _retrieval(played, done, own, place)


def _retrieval(played: Played, done: PlayedCall, parent: bytes, place: str) -> SpanDraft:
    return SpanDraft(
        span_id=played.span_id(f"retrieval/{place}"),
        parent_id=parent,
        name=f"retrieval {done.call.name}",
        start_ns=done.start_ns,
        end_ns=done.end_ns,
        attributes={
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": done.call.name,
            "gen_ai.retrieval.query.text": query_of(done.call),
            "gen_ai.request.top_k": len(done.call.hits),
            "gen_ai.retrieval.documents": json.dumps(
                [{"id": h.id, "score": h.score, "content": h.text} for h in done.call.hits]
            ),
        },
        kind=CLIENT,
    )


def query_of(call: Call) -> str:
    """What a search was asked."""
    return str(next(iter(call.arguments.values()), ""))


def _common(played: Played, operation: str) -> dict[str, Plain]:
    script = played.script
    attributes: dict[str, Plain] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": script.workflow.provider,
        "gen_ai.request.model": script.workflow.model,
        "user.id": script.user,
    }
    if script.session:
        attributes["gen_ai.conversation.id"] = script.session
    if script.prompt_version:
        attributes["gen_ai.prompt.name"] = script.workflow.name
        attributes["gen_ai.prompt.version"] = script.prompt_version
    return attributes


def _spoken(turn: PlayedTurn) -> Json:
    said: Turn = turn.turn
    parts: list[Json] = [_text(said.text)] if said.text else []
    parts += [
        {"type": "tool_call", "id": c.call_id, "name": c.call.name, "arguments": dict(c.call.arguments)}
        for c in turn.calls
    ]
    return {"role": "assistant", "parts": parts, "finish_reason": "tool_call" if said.calls else "stop"}


def _message(role: str, part: Json) -> Json:
    return {"role": role, "parts": [part]}


def _text(text: str) -> Json:
    return {"type": "text", "content": text}
