"""OpenLLMetry up to 0.53: flattened `gen_ai.prompt.N` and `gen_ai.completion.N`, `llm.request.*` and `llm.usage.*`."""

from __future__ import annotations

from collections.abc import Iterator

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reason, finish_reasons
from runs.kinds import Strength, kind_of
from runs.messages import message_of
from runs.parts import call_part
from runs.sheet import Sheet
from runs.solver import RawUsage
from runs.values import count_of, flag_of, flat_list, has_prefix, structured, text_of
from runs.view import View
from spans.content import Document, Message, ToolDefinition
from spans.fields import FieldClass
from spans.values import Attributes, Value

_ANCIENT = {"SpanAttributes.LLM_PROMPTS": "gen_ai.prompt", "SpanAttributes.LLM_COMPLETIONS": "gen_ai.completion"}
_CHUNKS = frozenset({"llm.content.completion.chunk", "gen_ai.content.completion.chunk"})


def _detect(view: View) -> bool:
    attributes = view.attributes
    if view.is_log:
        return False
    if "llm.request.type" in attributes or "llm.usage.total_tokens" in attributes:
        return True
    if "gen_ai" in view.families and has_prefix(attributes, "gen_ai.prompt.", "gen_ai.completion."):
        return any(
            key.split(".")[2].isdecimal()
            for key in attributes
            if key.startswith(("gen_ai.prompt.", "gen_ai.completion."))
        )
    return "SpanAttributes" in view.families


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    known = kind_of(view.text("llm.request.type"))
    if known is not None:
        draft.guess(known[0], Strength.OPERATION, "llm.request.type", known[1])
    draft.take(attributes, {"user_id": ("llm.user", "gen_ai.user")})
    draft.count(
        RawUsage(
            total=count_of(attributes.get("llm.usage.total_tokens")),
            reasoning=count_of(attributes.get("llm.usage.reasoning_tokens")),
        )
    )
    reasons = [
        text_of(raw.get("finish_reason"))
        for _, raw in _indexed(view, "gen_ai.completion", "SpanAttributes.LLM_COMPLETIONS")
    ]
    draft.finish_reasons = draft.finish_reasons or finish_reasons(reasons)
    if flag_of(attributes.get("llm.is_streaming")):
        draft.is_stream = True
    for event in view.events:
        if event.name in _CHUNKS:
            draft.is_stream = True
            if draft.ttft_ns is None and event.time_ns >= view.start_ns:
                draft.ttft_ns = event.time_ns - view.start_ns
            break


def _indexed(view: View, prefix: str, ancient: str) -> list[tuple[int, dict[str, Value]]]:
    return view.flat(prefix) or (view.flat(ancient) if "SpanAttributes" in view.families else [])


def _content(view: View, sheet: Sheet) -> None:
    prompts = _indexed(view, "gen_ai.prompt", "SpanAttributes.LLM_PROMPTS")
    completions = _indexed(view, "gen_ai.completion", "SpanAttributes.LLM_COMPLETIONS")
    request = view.text("llm.request.type").lower()
    if request == "embedding":
        if not sheet.embedding_inputs:
            sheet.embedding_inputs = tuple(text_of(raw.get("content")) for _, raw in prompts)
    elif request == "rerank" and prompts:
        sheet.put_text("rerank_query", prompts[0][1].get("content"))
        sheet.put_documents("rerank_input", (_document(raw) for _, raw in prompts[1:]))
        sheet.put_documents("rerank_output", (_document(raw) for _, raw in completions))
    else:
        sheet.put_input(_message(index, raw, "user") for index, raw in prompts)
        sheet.put_output(_message(index, raw, "assistant") for index, raw in completions)
    sheet.put_tools(_tools(view))


def _document(raw: Attributes) -> Document:
    return Document(content=text_of(raw.get("content")))


def _message(index: int, raw: Attributes, role: str) -> Message:
    calls = [_call(call) for _, call in flat_list(raw, "tool_calls")]
    named = text_of(raw.get("function_call.name"))
    if named:
        calls.append({"type": "function_call", "name": named, "arguments": raw.get("function_call.arguments")})
    message = message_of(
        {
            "role": text_of(raw.get("role")) or role,
            "content": _blocks(raw.get("content")),
            "reasoning_content": raw.get("reasoning"),
            "tool_call_id": raw.get("tool_call_id"),
        },
        role,
    )
    return Message(
        role=message.role,
        parts=(*message.parts, *(call_part(call) for call in calls)),
        finish_reason=finish_reason(text_of(raw.get("finish_reason"))),
        index=index,
    )


def _blocks(content: Value) -> Value:
    """Content is text, or a JSON list of content parts; any other JSON is what the tool really said."""
    decoded = structured(content)
    if isinstance(decoded, list) and decoded and all(isinstance(block, dict) and "type" in block for block in decoded):
        return decoded
    return content


def _call(raw: Attributes) -> dict[str, Value]:
    return {"type": "tool_call", "id": raw.get("id"), "name": raw.get("name"), "arguments": raw.get("arguments")}


def _tools(view: View) -> Iterator[ToolDefinition]:
    for _, raw in view.flat("llm.request.functions"):
        name = text_of(raw.get("name"))
        if name:
            yield ToolDefinition(
                name=name, description=text_of(raw.get("description")), parameters=structured(raw.get("parameters"))
            )


TRACELOOP_LEGACY = Dialect(
    id="tl-legacy",
    title="OpenLLMetry (before 0.54)",
    detect=_detect,
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy", "tl"),
    classes={
        FieldClass.CONTENT: (
            "gen_ai.prompt.*",
            "gen_ai.completion.*",
            "SpanAttributes.LLM_PROMPTS.*",
            "SpanAttributes.LLM_COMPLETIONS.*",
            "llm.request.functions.*",
        ),
        FieldClass.IDENTIFIER: ("llm.request.type", "llm.usage.*", "llm.is_streaming"),
    },
)
