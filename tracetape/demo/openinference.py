"""Writes a played run the way OpenInference's LangChain instrumentation does, with flat indexed attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tracetape.demo.otel import query_of
from tracetape.demo.otlp import EventDraft, Plain, Recording, SpanDraft, resource_of
from tracetape.demo.played import Played, PlayedCall, PlayedTurn, answer

_SCOPE, _SCOPE_VERSION = "openinference.instrumentation.langchain", "0.1.80"
_JSON = "application/json"

Attributes = dict[str, Plain]


def write(played: Played) -> Recording:
    """One run as spans; its evaluations are annotations of the root."""
    script = played.script
    resource = resource_of(script.workflow, script.version, script.environment)
    return Recording(played.trace_id(), resource, _SCOPE, _SCOPE_VERSION, tuple(_spans(played)))


def _spans(played: Played) -> Iterator[SpanDraft]:
    root = played.span_id("root")
    yield _agent(played, root)
    history: list[Attributes] = [
        {"message.role": "system", "message.content": played.script.workflow.system},
        {"message.role": "user", "message.content": played.script.question},
    ]
    for number, turn in enumerate(played.turns):
        yield _model(played, turn, root, number, history)
        history.append(_spoken(turn))
        if played.script.interrupt and number == len(played.turns) - 1:
            yield _interrupt(played, root, turn.end_ns)
            return
        for position, call in enumerate(turn.calls):
            yield from _tool(played, call, root, f"{number}/{position}")
            history.append(
                {
                    "message.role": "tool",
                    "message.content": answer(call.call),
                    "message.tool_call_id": call.call_id,
                    "message.name": call.call.name,
                }
            )


def _agent(played: Played, root: bytes) -> SpanDraft:
    script = played.script
    attributes = _common(played, "AGENT") | {
        "agent.name": script.workflow.name,
        "input.value": script.question,
        "input.mime_type": "text/plain",
        "tag.tags": list(script.tags),
    }
    last = script.turns[-1]
    if last.text and not script.interrupt:
        attributes |= {"output.value": last.text, "output.mime_type": "text/plain"}
    for index, judged in enumerate(script.judged):
        prefix = f"annotations.{index}.annotation"
        attributes |= {
            f"{prefix}.name": judged.name,
            f"{prefix}.label": judged.label,
            f"{prefix}.score": judged.score,
            f"{prefix}.annotator_kind": judged.by,
        }
    return SpanDraft(
        span_id=root,
        parent_id=b"",
        name=script.workflow.name,
        start_ns=played.start_ns,
        end_ns=played.end_ns,
        attributes=attributes,
        failure=script.failure,
    )


def _model(played: Played, turn: PlayedTurn, root: bytes, number: int, history: list[Attributes]) -> SpanDraft:
    workflow = played.script.workflow
    attributes = _common(played, "LLM") | {
        "llm.provider": workflow.provider,
        "llm.system": workflow.provider,
        "llm.model_name": workflow.model if turn.turn.failure else workflow.response_model,
        "llm.request.model_name": workflow.model,
        "llm.invocation_parameters": json.dumps({"model": workflow.model, "temperature": 0.1}),
    }
    for index, message in enumerate(history):
        attributes |= {f"llm.input_messages.{index}.{key}": value for key, value in message.items()}
    for index, tool in enumerate(workflow.tools):
        function = {"name": tool.name, "description": tool.description, "parameters": tool.schema()}
        attributes[f"llm.tools.{index}.tool.json_schema"] = json.dumps({"type": "function", "function": function})
    if turn.turn.failure is None:
        attributes |= {f"llm.output_messages.0.{key}": value for key, value in _spoken(turn).items()}
        attributes |= {
            "llm.token_count.prompt": turn.input_tokens,
            "llm.token_count.prompt_details.cache_read": turn.cached_tokens,
            "llm.token_count.completion": turn.output_tokens,
            "llm.token_count.total": turn.input_tokens + turn.output_tokens,
            "llm.finish_reason": "tool_calls" if turn.calls else "stop",
        }
    return SpanDraft(
        span_id=played.span_id(f"chat/{number}"),
        parent_id=root,
        name=workflow.client,
        start_ns=turn.start_ns,
        end_ns=turn.end_ns,
        attributes=attributes,
        failure=turn.turn.failure,
    )


def _tool(played: Played, done: PlayedCall, root: bytes, place: str) -> Iterator[SpanDraft]:
    call, own = done.call, played.span_id(f"tool/{place}")
    attributes = _common(played, "TOOL") | {
        "tool.name": call.name,
        "tool_call.id": done.call_id,
        "input.value": json.dumps(dict(call.arguments)),
        "input.mime_type": _JSON,
    }
    if call.failure is None:
        attributes["output.value"] = answer(call)
    yield SpanDraft(own, root, call.name, done.start_ns, done.end_ns, attributes, failure=call.failure)
    if call.hits:
        yield _retriever(played, done, own, place)


def _retriever(played: Played, done: PlayedCall, parent: bytes, place: str) -> SpanDraft:
    attributes = _common(played, "RETRIEVER") | {"input.value": query_of(done.call), "input.mime_type": "text/plain"}
    for index, hit in enumerate(done.call.hits):
        prefix = f"retrieval.documents.{index}.document"
        attributes |= {f"{prefix}.id": hit.id, f"{prefix}.content": hit.text, f"{prefix}.score": hit.score}
    return SpanDraft(
        span_id=played.span_id(f"retrieval/{place}"),
        parent_id=parent,
        name="VectorStoreRetriever",
        start_ns=done.start_ns,
        end_ns=done.end_ns,
        attributes=attributes,
    )


def _interrupt(played: Played, root: bytes, at_ns: int) -> SpanDraft:
    """The pause for a person: LangGraph raises, the instrumentation keeps the status OK."""
    end_ns = at_ns + 2_000_000
    raised: Attributes = {
        "exception.type": "langgraph.errors.GraphInterrupt",
        "exception.message": played.script.interrupt,
        "exception.escaped": "False",
    }
    return SpanDraft(
        span_id=played.span_id("interrupt"),
        parent_id=root,
        name="HumanInTheLoopMiddleware.after_model",
        start_ns=at_ns,
        end_ns=end_ns,
        attributes=_common(played, "CHAIN"),
        events=(EventDraft("exception", end_ns, raised),),
    )


def _common(played: Played, kind: str) -> Attributes:
    script = played.script
    return {"openinference.span.kind": kind, "session.id": script.session, "user.id": script.user}


def _spoken(turn: PlayedTurn) -> Attributes:
    message: Attributes = {"message.role": "assistant"}
    if turn.turn.text:
        message["message.content"] = turn.turn.text
    for index, call in enumerate(turn.calls):
        prefix = f"message.tool_calls.{index}.tool_call"
        message |= {
            f"{prefix}.id": call.call_id,
            f"{prefix}.function.name": call.call.name,
            f"{prefix}.function.arguments": json.dumps(dict(call.call.arguments)),
        }
    return message
