"""Vercel AI SDK: version 7 (conventions, scope `gen_ai`) and versions 3 to 6 (`ai.*`, scope `ai`)."""

from __future__ import annotations

from collections.abc import Mapping

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reasons
from runs.kinds import Strength
from runs.messages import each_message, messages_of
from runs.parts import call_part, parts_of
from runs.sheet import Sheet, tool_definitions
from runs.solver import Convention, RawUsage
from runs.values import as_list, as_map, count_of, number_of, structured, text_of, texts_of
from runs.view import View
from spans.content import Message, Part
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.values import Value

_METADATA = "ai.telemetry.metadata."
_KINDS: Mapping[str, tuple[SpanKind, str]] = {
    "ai.toolCall": (SpanKind.TOOL, ""),
    "ai.embed.doEmbed": (SpanKind.EMBEDDING, ""),
    "ai.embedMany.doEmbed": (SpanKind.EMBEDDING, ""),
    "ai.rerank.doRerank": (SpanKind.RERANKER, ""),
    "ai.generateText": (SpanKind.AGENT, ""),
    "ai.streamText": (SpanKind.AGENT, ""),
    "ai.generateObject": (SpanKind.WORKFLOW, "generate_object"),
    "ai.streamObject": (SpanKind.WORKFLOW, "stream_object"),
    "ai.embed": (SpanKind.WORKFLOW, "embed"),
    "ai.embedMany": (SpanKind.WORKFLOW, "embed"),
    "ai.rerank": (SpanKind.WORKFLOW, "rerank"),
}
_TEXTS = {
    "provider": ("ai.model.provider",),
    "request_model": ("ai.model.id",),
    "response_model": ("ai.response.model",),
    "response_id": ("ai.response.id",),
    "agent_name": ("ai.telemetry.functionId",),
    "session_id": (
        *(_METADATA + key for key in ("sessionId", "threadId", "conversationId", "chatId")),
        "ai.settings.context.sessionId",
    ),
    "user_id": (f"{_METADATA}userId", "ai.settings.context.userId"),
    "tool_name": ("ai.toolCall.name",),
    "tool_call_id": ("ai.toolCall.id",),
}
_SETTINGS = {
    "temperature",
    "maxTokens",
    "maxOutputTokens",
    "topP",
    "topK",
    "frequencyPenalty",
    "presencePenalty",
    "seed",
}


def _operation(view: View) -> str:
    return view.text("ai.operationId") or view.text("operation.name").partition(" ")[0] or view.name.partition(" ")[0]


def _detect(view: View) -> bool:
    if view.is_log:
        return False
    return (
        "ai.operationId" in view.attributes
        or view.scope == "ai"
        or ("ai" in view.families and view.name.startswith("ai."))
    )


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    operation = _operation(view)
    if operation.endswith((".doGenerate", ".doStream")):
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "ai.operationId")
    elif operation in _KINDS:
        kind, subkind = _KINDS[operation]
        draft.guess(kind, Strength.VENDOR, "ai.operationId", subkind)
    if operation in {
        "ai.generateText",
        "ai.streamText",
        "ai.generateObject",
        "ai.streamObject",
        "ai.embed",
        "ai.embedMany",
    }:
        draft.usage_hint = "rollup"
    draft.take(attributes, _TEXTS)
    draft.usage = _usage(view)
    draft.finish_reasons = draft.finish_reasons or finish_reasons(texts_of(attributes.get("ai.response.finishReason")))
    waited = number_of(attributes.get("ai.response.msToFirstChunk"))
    for event in view.events:
        if waited is None and event.name == "ai.stream.firstChunk":
            said = event.attributes
            waited = number_of(said.get("ai.response.msToFirstChunk", said.get("ai.stream.msToFirstChunk")))
    if draft.ttft_ns is None and waited is not None:
        draft.ttft_ns = round(waited * 1e6)
    draft.is_stream = draft.is_stream or "stream" in operation.lower()
    draft.tag(*texts_of(attributes.get(f"{_METADATA}tags")))
    known = set(_TEXTS["session_id"]) | set(_TEXTS["user_id"]) | {f"{_METADATA}tags"}
    for key, value in attributes.items():
        if key.startswith(_METADATA) and key not in known:
            draft.promote(f"metadata.{key[len(_METADATA) :]}", value)
    result = structured(attributes.get("ai.toolCall.result"))
    if isinstance(result, Mapping) and (result.get("denied") is True or result.get("type") == "execution-denied"):
        draft.decisions.append(Decision(Verdict.DENY, by="human", reason=text_of(result.get("reason"))[:300]))


def _usage(view: View) -> RawUsage | None:
    attributes = view.attributes

    def count(*keys: str) -> int | None:
        return next((found for found in (count_of(attributes.get(key)) for key in keys) if found is not None), None)

    uncached = count("ai.usage.inputTokenDetails.noCacheTokens")
    details = as_map(attributes.get("ai.response.providerMetadata"))
    nested = {key: value for body in details.values() for key, value in as_map(body).items()}
    read = count("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens")
    read = read if read is not None else count_of(nested.get("cacheReadInputTokens", nested.get("cachedPromptTokens")))
    write = count("ai.usage.inputTokenDetails.cacheWriteTokens")
    write = write if write is not None else count_of(nested.get("cacheCreationInputTokens"))
    reasoning = count("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens")
    raw = RawUsage(
        input=count("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens", "gen_ai.usage.input_tokens"),
        output=count("ai.usage.outputTokens", "ai.usage.completionTokens", "gen_ai.usage.output_tokens"),
        total=count("ai.usage.totalTokens"),
        cache_read=read,
        cache_write=write,
        reasoning=reasoning if reasoning is not None else count_of(nested.get("reasoningTokens")),
        input_convention=Convention.INCLUSIVE if uncached is not None else Convention.UNKNOWN,
    )
    return raw if raw.says_something() else None


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    if "ai.prompt.messages" in attributes:
        sheet.put_input(each_message(attributes["ai.prompt.messages"], "user"))
    elif "ai.prompt" in attributes:
        prompt = view.structured("ai.prompt")
        if isinstance(prompt, Mapping) and "messages" not in prompt:
            system = [Message("system", parts_of(prompt["system"]))] if prompt.get("system") else []
            sheet.put_input((*system, *messages_of(prompt.get("prompt"), "user")))
        else:
            sheet.put_input(each_message(prompt, "user"))
    sheet.put_output(_answer(attributes))
    if "ai.prompt.tools" in attributes:
        sheet.put_tools(tool_definitions([structured(tool) for tool in as_list(attributes["ai.prompt.tools"])]))
    sheet.put("tool_arguments", structured(attributes.get("ai.toolCall.args")))
    sheet.put("tool_result", structured(attributes.get("ai.toolCall.result")))
    texts = [text_of(structured(value)) for value in as_list(attributes.get("ai.values"))]
    single = structured(attributes.get("ai.value"))
    if not sheet.embedding_inputs:
        sheet.embedding_inputs = tuple(texts) or ((text_of(single),) if single is not None else ())
    for key, value in attributes.items():
        if key.startswith("ai.settings.") and key[12:] in _SETTINGS:
            sheet.param(key[12:], value)
    sheet.param("toolChoice", structured(attributes.get("ai.prompt.toolChoice")))


def _answer(attributes: Mapping[str, Value]) -> list[Message]:
    """One assistant message from the pieces of a response."""
    parts: list[Part] = []
    for key in ("ai.response.reasoning",):
        reasoning = structured(attributes.get(key))
        if isinstance(reasoning, str) and reasoning:
            parts.append(Part(type="reasoning", content=reasoning))
        elif isinstance(reasoning, list):
            parts.extend(parts_of(reasoning))
    for key in ("ai.response.text", "ai.result.text", "ai.response.object", "ai.result.object"):
        text = attributes.get(key)
        if text not in (None, ""):
            parts.append(Part(type="text", content=text))
            break
    for key in ("ai.response.toolCalls", "ai.result.toolCalls"):
        parts.extend(call_part(call) for call in as_list(attributes.get(key)) if isinstance(call, Mapping))
    return [Message(role="assistant", parts=tuple(parts))] if parts else []


AI_LEGACY = Dialect(
    id="ai-legacy",
    title="Vercel AI SDK (3 to 6)",
    detect=_detect,
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "ai.prompt*",
            "ai.response.text",
            "ai.response.reasoning",
            "ai.response.toolCalls",
            "ai.response.object",
            "ai.response.files",
            "ai.result.*",
            "ai.toolCall.args",
            "ai.toolCall.result",
            "ai.value",
            "ai.values",
            "ai.embedding",
            "ai.embeddings",
            "ai.documents",
            "ai.schema",
            "ai.settings.system",
        ),
        FieldClass.IDENTITY: ("ai.telemetry.metadata.userId", "ai.settings.context.userId"),
        FieldClass.NAME: ("ai.telemetry.functionId", "ai.toolCall.name", "resource.name", "operation.name"),
        FieldClass.IDENTIFIER: ("ai.*",),
        FieldClass.PLAIN: ("ai.telemetry.metadata.*", "ai.request.headers.*"),
    },
)


def _detect7(view: View) -> bool:
    return view.scope == "gen_ai" and not view.is_log


def _facts7(view: View, draft: Draft) -> None:
    operation = view.text("gen_ai.operation.name")
    if operation == "invoke_agent":
        draft.usage_hint = "rollup"
    reasoning = count_of(view.attributes.get("ai.usage.outputTokenDetails.reasoningTokens"))
    if reasoning is not None:
        draft.count(RawUsage(input=None, output=None, total=0, reasoning=reasoning))
    result = structured(view.attributes.get("gen_ai.tool.call.result"))
    if isinstance(result, Mapping) and (result.get("denied") is True or result.get("type") == "execution-denied"):
        draft.decisions.append(Decision(Verdict.DENY, by="human", reason=text_of(result.get("reason"))[:300]))


AI7 = Dialect(
    id="ai7",
    title="Vercel AI SDK 7",
    detect=_detect7,
    facts=_facts7,
    covers=("otel",),
)
