"""LangSmith's OpenTelemetry export: `langsmith.*` beside `gen_ai.prompt` and `gen_ai.completion` as whole JSON."""

from __future__ import annotations

from collections.abc import Mapping

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reasons
from runs.kinds import Strength, kind_of
from runs.messages import each_message, has_messages
from runs.rawusage import usage_in
from runs.sheet import Sheet, documents_of
from runs.solver import Convention, RawUsage
from runs.values import as_map, count_of, dig, flag_of, structured, text_of, texts_of
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind
from spans.values import Value

_M = "langsmith.metadata."
_TEXTS = {
    "session_id": (f"{_M}session_id", f"{_M}thread_id", f"{_M}conversation_id"),
    "user_id": (f"{_M}user_id",),
    "agent_name": (f"{_M}lc_agent_name",),
    "prompt_name": (f"{_M}lc_hub_repo",),
    "prompt_version": (f"{_M}lc_hub_commit_hash",),
}
_PLUMBING = (
    "ls_",
    "lc_",
    "langgraph_",
    "checkpoint",
    "LANGSMITH",
    "LANGCHAIN",
    "_type",
    "revision_id",
    "usage_metadata",
)


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.take(attributes, _TEXTS)
    raw = view.text("langsmith.span.kind")
    draft.guess_value(raw, Strength.VENDOR, "langsmith.span.kind")
    known = kind_of(raw)
    kind = known[0] if known else SpanKind.OTHER
    if kind is SpanKind.MODEL or kind is SpanKind.EMBEDDING:
        draft.put("provider", attributes.get(f"{_M}ls_provider"))
        draft.take(attributes, {"request_model": ("gen_ai.request.model", f"{_M}ls_model_name")})
        message = _answer(view)
        metadata = as_map(message.get("response_metadata"))
        draft.put("response_model", metadata.get("model_name") or metadata.get("model"))
        draft.put("response_id", metadata.get("id"))
        draft.finish_reasons = draft.finish_reasons or finish_reasons(
            texts_of(metadata.get("finish_reason") or metadata.get("stop_reason"))
        )
    _usage(view, draft)
    if kind is SpanKind.TOOL:
        draft.put("tool_name", attributes.get("gen_ai.tool.name") or view.name)
        output = dig(view.structured("gen_ai.completion"), "output")
        draft.put("tool_call_id", dig(output, "tool_call_id") or dig(output, "kwargs", "tool_call_id"))
        if "error" in (dig(output, "status"), dig(output, "kwargs", "status")):
            draft.tool_failed = True
    if flag_of(attributes.get("langsmith.request.streaming")):
        draft.is_stream = True
    draft.tag(*(tag for tag in texts_of(attributes.get("langsmith.span.tags")) if ":step:" not in tag))
    for key, value in attributes.items():
        if key.startswith(_M):
            name = key[len(_M) :]
            if not name.startswith(_PLUMBING) and name not in {"session_id", "thread_id", "conversation_id", "user_id"}:
                draft.promote(f"metadata.{name}", value)


def _usage(view: View, draft: Draft) -> None:
    """Cached and reasoning parts stand in JSON beside the totals, or only inside LangChain's own metadata."""
    attributes = view.attributes
    told = usage_in(as_map(attributes.get(f"{_M}usage_metadata")))
    given, made = (
        as_map(attributes.get("gen_ai.usage.input_token_details")),
        as_map(attributes.get("gen_ai.usage.output_token_details")),
    )
    draft.count(
        RawUsage(
            input=count_of(attributes.get("gen_ai.usage.input_tokens")),
            output=count_of(attributes.get("gen_ai.usage.output_tokens")),
            total=count_of(attributes.get("gen_ai.usage.total_tokens")),
            cache_read=count_of(given.get("cache_read")) if given else told.cache_read,
            cache_write=count_of(given.get("cache_creation")) if given else told.cache_write,
            cache_write_1h=count_of(given.get("ephemeral_1h_input_tokens")),
            reasoning=count_of(made.get("reasoning")) if made else told.reasoning,
            input_convention=Convention.INCLUSIVE,
            output_convention=Convention.INCLUSIVE,
        )
    )


def _answer(view: View) -> Mapping[str, Value]:
    generation = dig(view.structured("gen_ai.completion"), "generations", 0, 0, "message")
    kwargs = dig(generation, "kwargs")
    return as_map(kwargs if kwargs is not None else generation)


def _content(view: View, sheet: Sheet) -> None:
    given, made = view.structured("gen_ai.prompt"), view.structured("gen_ai.completion")
    known = kind_of(view.text("langsmith.span.kind"))
    kind = known[0] if known else SpanKind.OTHER
    sheet.put("input", given)
    sheet.put("output", made)
    if kind is SpanKind.MODEL:
        sheet.put_input(each_message(given, "user"))
        sheet.put_output(each_message(made, "assistant"))
    elif kind is SpanKind.TOOL:
        inner = dig(given, "input")
        sheet.put("tool_arguments", structured(inner) if inner is not None else given)
        sheet.put("tool_result", _result(dig(made, "output") if dig(made, "output") is not None else made))
    elif kind is SpanKind.RETRIEVAL:
        sheet.put_text("retrieval_query", text_of(dig(given, "query")))
        sheet.put_documents("documents", documents_of(dig(made, "documents")))
    elif has_messages(given):
        sheet.put_input(each_message(given, "user"))


def _result(output: Value) -> Value:
    body = as_map(output)
    inner = as_map(body.get("kwargs")) or body
    return structured(inner["content"]) if "content" in inner else output


LANGSMITH = Dialect(
    id="ls",
    title="LangSmith OpenTelemetry export",
    families=frozenset({"langsmith"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: ("gen_ai.prompt", "gen_ai.completion", "langsmith.metadata.usage_metadata"),
        FieldClass.IDENTITY: ("langsmith.metadata.user_id",),
        FieldClass.NAME: (
            "langsmith.trace.name",
            "langsmith.trace.session_name",
            "langsmith.span.tags",
            "gen_ai.serialized.name",
        ),
        FieldClass.IDENTIFIER: (
            "langsmith.span.kind",
            "langsmith.span.id",
            "langsmith.trace.id",
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
            "langsmith.metadata.ls_*",
            "langsmith.metadata.langgraph_*",
            "langsmith.metadata.checkpoint_ns",
        ),
        FieldClass.PLAIN: ("langsmith.metadata.*",),
    },
)
