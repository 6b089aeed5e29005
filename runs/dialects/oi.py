"""OpenInference: flattened `llm.*`, `retrieval.*`, `embedding.*`, `reranker.*` and generic `input.value`/`output.value`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reason, finish_reasons
from runs.kinds import Guess, Strength, kind_of
from runs.messages import messages_of, role_of
from runs.money import usd_of
from runs.parts import part_of, parts_of
from runs.sheet import Sheet, tool_definitions
from runs.solver import Convention, RawUsage
from runs.values import (
    as_map,
    count_of,
    dig,
    flag_of,
    flat_list,
    has_prefix,
    is_broken_json,
    is_usable,
    score_of,
    structured,
    text_of,
    texts_of,
)
from runs.view import View
from spans.content import Document, Message, Part
from spans.facts import Decision, Evaluation
from spans.fields import FieldClass
from spans.kinds import Evidence, SpanKind, Verdict
from spans.usage import ReportedCost
from spans.values import Attributes, Value

_FAMILIES = frozenset({"openinference", "llm", "retrieval", "embedding", "reranker"})
_SIGNS = (
    "llm.model_name",
    "llm.token_count.prompt",
    "llm.token_count.total",
    "llm.invocation_parameters",
    "llm.input_messages.0.message.role",
    "embedding.model_name",
    "reranker.query",
)
_EXCLUSIVE_SCOPES = ("openinference.instrumentation.claude_agent_sdk",)

_LAST_WORDS = frozenset({("dspy", "finish"), ("smolagents", "final_answer")})
"""Scope and "tool" by which a framework only lets the model say that it is done."""
_TEXTS = {
    "provider": ("llm.provider", "llm.system"),
    "request_model": (
        "llm.request.model_name",
        "embedding.model_name",
        "reranker.model_name",
        "decision.request.model_name",
    ),
    "response_model": ("llm.response.model_name", "decision.response.model_name"),
    "session_id": ("session.id",),
    "user_id": ("user.id",),
    "agent_name": ("agent.name",),
    "prompt_name": ("prompt.id",),
    "prompt_version": ("llm.prompt_template.version",),
}


def _detect(view: View) -> bool:
    if not view.families & _FAMILIES:
        return False
    attributes = view.attributes
    if "openinference.span.kind" in attributes or view.scope.startswith(("openinference.", "@arizeai/")):
        return True
    return any(key in attributes for key in _SIGNS)


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.take(attributes, _TEXTS)
    _kind(view, draft)
    _models(view, draft)
    draft.count(_usage(view))
    draft.finish_reasons = draft.finish_reasons or finish_reasons(texts_of(attributes.get("llm.finish_reason")))
    _cost(attributes, draft)
    _metadata(view, draft)
    _tool(view, draft)
    _automatic_calls(view, draft)
    _guardrail(view, draft)
    draft.evaluations.extend(_evaluations(view))
    for event in view.events:
        if event.name == "First Token Stream Event":
            draft.is_stream = True
            if draft.ttft_ns is None and event.time_ns >= view.start_ns:
                draft.ttft_ns = event.time_ns - view.start_ns
            break


def _kind(view: View, draft: Draft) -> None:
    raw = view.text("openinference.span.kind")
    if view.name.endswith("._prepare_chat_with_tools"):
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "LlamaIndex prepares a request", "prompt")
    elif raw:
        known = kind_of(raw)
        strength = Strength.WEAK if raw.upper() == "CHAIN" else Strength.VENDOR
        if known is None:
            draft.guess(SpanKind.OTHER, strength, "openinference.span.kind", raw.lower())
        else:
            draft.guess(known[0], strength, "openinference.span.kind", known[1])
    elif has_prefix(view.attributes, "retrieval.documents."):
        draft.guess(SpanKind.RETRIEVAL, Strength.PRESENCE, "retrieval.documents")
    elif "llm.model_name" in view.attributes and (
        "llm.token_count.total" in view.attributes or has_prefix(view.attributes, "llm.output_messages.")
    ):
        draft.guess(SpanKind.MODEL, Strength.PRESENCE, "llm.model_name")


def _models(view: View, draft: Draft) -> None:
    """`llm.model_name` is the response model if known, else the request model (section 4.4)."""
    parameters = as_map(view.structured("llm.invocation_parameters"))
    for key in ("model", "model_name", "model_id"):
        draft.put("request_model", parameters.get(key))
    name = view.attributes.get("llm.model_name")
    draft.put("response_model" if draft.text("request_model") else "request_model", name)
    if not draft.text("response_id") and view.text("openinference.span.kind").upper() == "LLM":
        _response_id(view, draft)


def _response_id(view: View, draft: Draft) -> None:
    """No key of its own: inside the provider's answer, or inside LangChain's message around it."""
    output = view.attributes.get("output.value")
    if not isinstance(output, str):
        return
    if '"id"' in output[:60]:
        draft.put("response_id", as_map(view.structured("output.value")).get("id"))
    elif output.startswith('{"generations"'):
        message = dig(view.structured("output.value"), "generations", 0, 0, "message", "kwargs")
        draft.put("response_id", dig(message, "response_metadata", "id"))
        own = text_of(dig(message, "id"))
        if not own.startswith(("run-", "lc_")):
            draft.put("response_id", own)


def _usage(view: View) -> RawUsage:
    attributes = view.attributes

    def count(*keys: str) -> int | None:
        for key in keys:
            found = count_of(attributes.get(key))
            if found is not None:
                return found
        return None

    exclusive = view.scope.startswith(_EXCLUSIVE_SCOPES)
    return RawUsage(
        input=count("llm.token_count.prompt", "decision.token_count.input"),
        output=count("llm.token_count.completion", "decision.token_count.output"),
        total=count("llm.token_count.total"),
        cache_read=count("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
        cache_write=count("llm.token_count.prompt_details.cache_write"),
        reasoning=count("llm.token_count.completion_details.reasoning"),
        input_audio=count("llm.token_count.prompt_details.audio"),
        output_audio=count("llm.token_count.completion_details.audio"),
        input_convention=Convention.EXCLUSIVE if exclusive else Convention.UNKNOWN,
    )


def _cost(attributes: Attributes, draft: Draft) -> None:
    if draft.cost is None:
        usd = usd_of(attributes.get("llm.cost.total"))
        if usd is not None:
            draft.cost = ReportedCost(usd, "llm.cost.total")


_PLUMBING = ("ls_", "langgraph_", "lc_", "__", "checkpoint")


def _metadata(view: View, draft: Draft) -> None:
    metadata = as_map(view.structured("metadata")) if "metadata" in view.attributes else {}
    for key in ("session_id", "thread_id", "conversation_id"):
        draft.put("session_id", metadata.get(key))
    draft.put("user_id", metadata.get("user_id"))
    draft.put("agent_name", metadata.get("lc_agent_name"))
    for key, value in metadata.items():
        if not key.startswith(_PLUMBING) and key not in {"thread_id", "user_id", "session_id"}:
            draft.promote(f"metadata.{key}", value)
    draft.tag(*texts_of(view.attributes.get("tag.tags")))


def _tool(view: View, draft: Draft) -> None:
    """The OpenAI Agents SDK ends a call that waits for approval as OK, without any output (section 8.3)."""
    attributes = view.attributes
    if (
        "openai_agents" in view.scope
        and "tool.name" in attributes
        and "output.value" not in attributes
        and not view.is_error
    ):
        draft.decisions.append(Decision(Verdict.REQUIRE_APPROVAL, by="human", evidence=Evidence.DERIVED))
    draft.take(
        attributes,
        {
            "tool_name": ("tool.name",),
            "tool_call_id": ("tool.id", "tool_call.id", "message.tool_call_id"),
        },
    )
    if view.text("openinference.span.kind").upper() == "TOOL":
        draft.put("tool_name", view.name.removesuffix(".__call__"))
        if (view.scope.rpartition(".")[2], draft.text("tool_name")) in _LAST_WORDS:
            draft.guesses.insert(
                0, Guess(SpanKind.OTHER, "finish", Strength.VENDOR, "the framework's own end of a loop")
            )
        output = view.attributes.get("output.value")
        if isinstance(output, str) and output.lstrip().startswith("{") and '"tool_call_id"' in output:
            found = view.structured("output.value")
            draft.put("tool_call_id", dig(found, "data", "tool_call_id") or dig(found, "tool_call_id"))
            draft.put("tool_call_id", dig(found, "kwargs", "tool_call_id"))
            if "error" in (dig(found, "data", "status"), dig(found, "status"), dig(found, "kwargs", "status")):
                draft.tool_failed = True


def _automatic_calls(view: View, draft: Draft) -> None:
    """Google's SDK calls functions itself; its answer then carries the whole exchange."""
    output = view.attributes.get("output.value")
    if isinstance(output, str) and '"automatic_function_calling_history"' in output:
        history = dig(view.structured("output.value"), "automatic_function_calling_history")
        if history:
            draft.executed_inside = messages_of(history, "user")


def _guardrail(view: View, draft: Draft) -> None:
    """A guardrail span that says nothing decides nothing: an allow is never invented (section 8.3)."""
    if view.text("openinference.span.kind").upper() != "GUARDRAIL":
        return
    output = as_map(view.structured("output.value"))
    verdict: Verdict | None = None
    for key in ("triggered", "tripwire_triggered", "flagged"):
        said = flag_of(output.get(key))
        if said is not None:
            verdict = Verdict.DENY if said else Verdict.ALLOW
            break
    if verdict is None:
        passed = flag_of(output.get("passed"))
        if passed is not None:
            verdict = Verdict.ALLOW if passed else Verdict.DENY
    if verdict is None:
        verdict = next(
            (
                found
                for found in (verdict_of(text_of(output.get(key))) for key in ("action", "verdict", "decision"))
                if found
            ),
            None,
        )
    evidence = Evidence.EXPLICIT
    if verdict is None:
        verdict, evidence = (Verdict.DENY if view.is_error else Verdict.ABSTAIN), Evidence.DERIVED
    draft.decisions.append(
        Decision(
            verdict=verdict,
            rule=view.name,
            by="policy",
            reason=text_of(output.get("reason") or output.get("message"))[:300],
            subject="message",
            evidence=evidence,
        )
    )


_TARGETS = (
    ("annotations", "annotation", "span"),
    ("evaluations", "evaluation", "span"),
    ("trace.annotations", "annotation", "trace"),
    ("trace.evaluations", "evaluation", "trace"),
    ("session.annotations", "annotation", "session"),
    ("session.evaluations", "evaluation", "session"),
)


def _evaluations(view: View) -> Iterator[Evaluation]:
    if not view.families & {"annotations", "evaluations", "trace", "session"}:
        return
    for prefix, word, target in _TARGETS:
        for _, raw in view.flat(prefix):
            name = text_of(raw.get(f"{word}.name"))
            if name:
                yield Evaluation(
                    name=name,
                    score=score_of(raw.get(f"{word}.score")),
                    label=text_of(raw.get(f"{word}.label")),
                    explanation=text_of(raw.get(f"{word}.explanation"))[:300],
                    annotator=text_of(raw.get(f"{word}.annotator_kind")),
                    target=target,
                )


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    if "llm" in view.families:
        _llm_content(view, sheet)
    _documents(view, sheet)
    kind = view.text("openinference.span.kind").upper()
    for side in ("input", "output"):
        value = attributes.get(f"{side}.value")
        if value is None:
            continue
        mime = text_of(attributes.get(f"{side}.mime_type"))
        parsed = view.structured(f"{side}.value") if "json" in mime or _looks_structured(value) else value
        if is_broken_json(value):
            sheet.parse_errors.append(f"{side}.value")
            sheet.states.add("truncated")
        sheet.put(side, parsed)
    if kind == "TOOL":
        _tool_content(view, sheet)
    elif kind == "RETRIEVER":
        sheet.put_text("retrieval_query", sheet.values.get("input"))
    elif kind == "EMBEDDING":
        texts = tuple(
            text_of(raw.get("embedding.text"))
            for _, raw in view.flat("embedding.embeddings")
            if "embedding.text" in raw
        )
        if texts and not sheet.embedding_inputs:
            sheet.embedding_inputs = texts


def _looks_structured(value: Value) -> bool:
    return not isinstance(value, str) or value.lstrip()[:1] in {"{", "["}


def _llm_content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    sheet.put_input(_messages(view, "llm.input_messages", "user"))
    sheet.put_output(_messages(view, "llm.output_messages", "assistant"))
    prompts = view.flat("llm.prompts")
    if prompts:
        sheet.put_input(
            Message(role="user", parts=parts_of(raw.get("prompt.text")), index=index) for index, raw in prompts
        )
    choices = view.flat("llm.choices")
    if choices:
        sheet.put_output(
            Message(role="assistant", parts=parts_of(raw.get("completion.text")), index=index) for index, raw in choices
        )
    tools = [structured(raw.get("tool.json_schema")) for _, raw in view.flat("llm.tools")]
    if tools:
        sheet.put_tools(tool_definitions([tool for tool in tools if tool is not None]))
    for name, value in as_map(view.structured("llm.invocation_parameters")).items():
        if name not in {"tools", "model", "model_name", "messages", "input"}:
            sheet.param(name, value)
    if "llm.prompt_template.template" in attributes:
        sheet.prompt.setdefault("template", attributes["llm.prompt_template.template"])
        sheet.prompt.setdefault("variables", view.structured("llm.prompt_template.variables"))


def _messages(view: View, prefix: str, role: str) -> tuple[Message, ...]:
    found = tuple(_message(index, raw, role) for index, raw in view.flat(prefix))
    return tuple(message for message in found if message.parts or len(found) > 1)


def _message(index: int, raw: Attributes, role: str) -> Message:
    said = text_of(raw.get("message.role")) or role
    parts = list(_parts(raw))
    calls = [_call(call) for _, call in flat_list(raw, "message.tool_calls")]
    known = {part.id for part in parts if part.type == "tool_call" and part.id}
    parts.extend(call for call in calls if not call.id or call.id not in known)
    function = text_of(raw.get("message.function_call_name"))
    if function:
        parts.append(part_of({"type": "function_call", "name": function,
                              "arguments": raw.get("message.function_call_arguments_json")}))  # fmt: skip
    call_id = text_of(raw.get("message.tool_call_id"))
    name = text_of(raw.get("message.name"))
    normal = role_of(said) or role
    if call_id or normal == "tool":
        content: Value = "\n".join(str(part.content) for part in parts if part.type == "text")
        parts = [Part(type="tool_result", id=call_id, name=name, content=content)]
        normal = "tool"
    return Message(
        role=normal,
        parts=tuple(parts),
        name=name,
        finish_reason=finish_reason(text_of(raw.get("message.finish_reason"))),
        index=index,
    )


def _parts(raw: Attributes) -> Iterator[Part]:
    contents = flat_list(raw, "message.contents")
    blocks = [part for _, body in contents for part in _block(body)]
    plain = raw.get("message.content")
    if plain is not None and is_usable(plain) and not any(part.type == "text" for part in blocks):
        yield from parts_of(plain)
    yield from blocks


def _block(body: Attributes) -> Iterator[Part]:
    kind = text_of(body.get("message_content.type")).lower()
    if kind in {"tool_use", "tool_call"} or any(key.startswith("tool_call.") for key in body):
        yield _call(body)
        return
    if kind == "reasoning":
        yield Part(
            type="reasoning", content=body.get("message_content.text"), id=text_of(body.get("message_content.id"))
        )
        return
    if kind in {"image", "audio", "video", "document"}:
        uri = next((value for key, value in body.items() if key.endswith((".url", ".uri"))), None)
        mime = next((value for key, value in body.items() if key.endswith("mime_type")), None)
        yield Part(type="media", modality=kind, uri=text_of(uri), mime=text_of(mime))
        return
    text = body.get("message_content.text")
    if text is not None:
        yield Part(type="text", content=text)


def _call(raw: Mapping[str, Any]) -> Part:
    return part_of(
        {
            "type": "tool_call",
            "id": raw.get("tool_call.id"),
            "name": raw.get("tool_call.function.name"),
            "arguments": raw.get("tool_call.function.arguments"),
        }
    )


def _documents(view: View, sheet: Sheet) -> None:
    for prefix, field in (
        ("retrieval.documents", "documents"),
        ("reranker.input_documents", "rerank_input"),
        ("reranker.output_documents", "rerank_output"),
        ("output.documents", "documents"),
    ):
        if prefix.partition(".")[0] in view.families:
            found = [_document(raw) for _, raw in view.flat(prefix)]
            if found:
                sheet.put_documents(field, found)
    sheet.put_text("rerank_query", view.attributes.get("reranker.query"))


def _document(raw: Attributes) -> Document:
    metadata = structured(raw.get("document.metadata"))
    meta = metadata if isinstance(metadata, Mapping) else {}
    return Document(
        id=text_of(raw.get("document.id") or meta.get("id")),
        content=text_of(raw.get("document.content")),
        score=score_of(raw.get("document.score", meta.get("score"))),
        uri=text_of(raw.get("document.url") or meta.get("source")),
        metadata=metadata,
    )


def _tool_content(view: View, sheet: Sheet) -> None:
    """`tool.parameters` is either the schema or the arguments: only arguments count (section 4.14)."""
    sheet.put_text("tool_description", view.attributes.get("tool.description"))
    given = sheet.values.get("input")
    sheet.put("tool_arguments", given)
    parameters = view.structured("tool.parameters")
    if isinstance(parameters, Mapping) and not _is_schema(parameters):
        sheet.put("tool_arguments", parameters)
    sheet.put("tool_result", _result(sheet.values.get("output")))


def _is_schema(value: Mapping[str, Any]) -> bool:
    if {"properties", "$schema"} & set(value):
        return True
    return bool(value) and all(isinstance(inner, Mapping) and "type" in inner for inner in value.values())


def _result(output: Value) -> Value:
    """LangChain wraps a result in a serialised tool message."""
    if isinstance(output, Mapping) and output.get("type") == "tool":
        body = output.get("data") if isinstance(output.get("data"), Mapping) else output
        if isinstance(body, Mapping) and "content" in body:
            return structured(body["content"])
    return output


OPENINFERENCE = Dialect(
    id="oi",
    title="OpenInference",
    detect=_detect,
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: (
            "input.value",
            "output.value",
            "input.documents.*",
            "output.documents.*",
            "input.images.*",
            "output.images.*",
            "llm.input_messages.*",
            "llm.output_messages.*",
            "llm.prompts*",
            "llm.choices.*",
            "llm.tools.*",
            "llm.function_call",
            "llm.invocation_parameters",
            "llm.prompt_template.*",
            "retrieval.documents.*",
            "reranker.*",
            "embedding.embeddings.*",
            "embedding.text",
            "annotations.*",
            "evaluations.*",
            "metadata",
            "tool.parameters",
            "tool.description",
            "tool.json_schema",
        ),
        FieldClass.NAME: ("agent.name", "tool.name", "graph.node.name", "tag.tags"),
        FieldClass.IDENTIFIER: (
            "openinference.*",
            "llm.*",
            "embedding.model_name",
            "reranker.model_name",
            "reranker.top_k",
            "graph.node.id",
            "graph.node.parent_id",
            "prompt.id",
            "prompt.vendor",
            "session.id",
            "decision.*",
        ),
    },
)
