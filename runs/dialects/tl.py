"""Traceloop and OpenLLMetry since 0.54: current `gen_ai` names beside `traceloop.*` entities and associations."""

from __future__ import annotations

from collections.abc import Mapping

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength, kind_of
from runs.sheet import Sheet, document_of, documents_of
from runs.values import as_map, dig, flag_of, structured, text_of, texts_of
from runs.view import View
from spans.content import Document
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import Evidence, SpanKind
from spans.values import Value

_SIGNS = ("gen_ai.is_streaming", "gen_ai.usage.total_tokens", "gen_ai.openai.api_base", "llm.is_streaming")
_ASSOCIATION = "traceloop.association.properties."
_PLUMBING = ("ls_", "langgraph_", "lc_", "checkpoint", "__")
_SESSION = ("session_id", "thread_id", "conversation_id", "chat_id")
_WEAK = frozenset({"task", "workflow", "unknown"})
_SUFFIXES = {
    ".workflow": (SpanKind.WORKFLOW, "workflow"),
    ".task": (SpanKind.WORKFLOW, "task"),
    ".agent": (SpanKind.AGENT, ""),
    ".tool": (SpanKind.TOOL, ""),
    ".mcp": (SpanKind.OTHER, "mcp"),
    ".chat": (SpanKind.MODEL, ""),
    ".completion": (SpanKind.MODEL, ""),
    ".embeddings": (SpanKind.EMBEDDING, ""),
    ".rerank": (SpanKind.RERANKER, ""),
}
_STORES = frozenset({"chroma", "pinecone", "qdrant", "milvus", "weaviate", "marqo", "lancedb"})
_READS = frozenset({"query", "search", "get", "peek", "scroll", "retrieve", "fetch"})


def is_library_scope(scope: str) -> bool:
    """The scope names that OpenLLMetry shares with older official instrumentations."""
    return scope.startswith(("opentelemetry.instrumentation.", "@traceloop/", "traceloop."))


def _detect(view: View) -> bool:
    if view.is_log:
        return False
    if "traceloop" in view.families:
        return True
    if not is_library_scope(view.scope) or view.scope_version.endswith(("b0", "b1", "b2")):
        return False
    return any(key in view.attributes for key in _SIGNS) or view.scope.startswith(("@traceloop/", "traceloop."))


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    _kind(view, draft)
    draft.put("workflow", attributes.get("traceloop.workflow.name"))
    entity = view.text("traceloop.entity.name")
    kind = draft.best_guess().kind
    if kind is SpanKind.TOOL:
        draft.put("tool_name", entity or view.name.removesuffix(".tool"))
        draft.put("tool_call_id", attributes.get("mcp.request.id"))
    elif kind is SpanKind.AGENT:
        draft.put("agent_name", entity)
    draft.take(
        attributes,
        {
            "agent_name": (f"{_ASSOCIATION}lc_agent_name",),
            "provider": (f"{_ASSOCIATION}ls_provider",),
            "session_id": tuple(_ASSOCIATION + key for key in _SESSION),
            "user_id": ("gen_ai.user", "llm.user", f"{_ASSOCIATION}user_id"),
            "prompt_name": ("traceloop.prompt.key",),
            "prompt_version": ("traceloop.prompt.version",),
            "prompt_hash": ("traceloop.prompt.version_hash",),
        },
    )
    for key, value in attributes.items():
        if key.startswith(_ASSOCIATION):
            name = key[len(_ASSOCIATION) :]
            if not name.startswith(_PLUMBING) and name not in {*_SESSION, "user_id", "tags"}:
                draft.promote(f"association.{name}", value)
    draft.tag(*texts_of(attributes.get(f"{_ASSOCIATION}tags")))
    if view.text("gen_ai.task.status").lower() in {"failure", "error"}:
        draft.tool_failed = True
    if flag_of(attributes.get("gen_ai.is_streaming")):
        draft.is_stream = True
    _guardrail(view, draft)
    _tool_message(view, draft)


def _kind(view: View, draft: Draft) -> None:
    raw = view.text("traceloop.span.kind")
    known = kind_of(raw) if raw else None
    if known is not None:
        strength = Strength.WEAK if raw.lower() in _WEAK else Strength.VENDOR
        draft.guess(known[0], strength, "traceloop.span.kind", known[1])
    if not is_library_scope(view.scope):
        return
    first, _, rest = view.name.partition(".")
    if first in _STORES:
        verb = rest.rpartition(".")[2].lower()
        draft.guess(SpanKind.RETRIEVAL if verb in _READS else SpanKind.OTHER, Strength.NAME, "vector store", "")
        return
    for suffix, (kind, subkind) in _SUFFIXES.items():
        if view.name.endswith(suffix):
            draft.guess(kind, Strength.NAME, f"name ends with {suffix}", subkind)
            return


def _tool_message(view: View, draft: Draft) -> None:
    """LangChain hands a serialised tool message through; it knows the call id and whether the call failed."""
    output = view.attributes.get("traceloop.entity.output") or view.attributes.get("gen_ai.tool.call.result")
    if not isinstance(output, str) or "tool_call_id" not in output:
        return
    body = as_map(dig(structured(output), "output", "kwargs"))
    draft.put("tool_call_id", body.get("tool_call_id"))
    if text_of(body.get("status")) == "error":
        draft.tool_failed = True


def _guardrail(view: View, draft: Draft) -> None:
    if view.text("gen_ai.operation.name") != "guard":
        return
    verdict = verdict_of(view.text("gen_ai.guardrail.status"))
    if verdict is not None:
        draft.decisions.append(
            Decision(
                verdict=verdict,
                rule=view.text("gen_ai.guardrail.name") or view.name.removesuffix(".guard"),
                by="policy",
                reason=view.text("gen_ai.guardrail.error.message")[:300],
                subject="message",
                evidence=Evidence.EXPLICIT,
            )
        )


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    raw_input = view.structured("traceloop.entity.input")
    raw_output = view.structured("traceloop.entity.output")
    given, made = _inner(raw_input, _INPUTS), _inner(raw_output, _OUTPUTS)
    sheet.put("input", given)
    sheet.put("output", made)
    _rewrap(sheet, "tool_arguments", _INPUTS)
    _rewrap(sheet, "tool_result", _OUTPUTS)
    if "traceloop.span.kind" in attributes and view.text("traceloop.span.kind").lower() == "tool":
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)
    if view.text("gen_ai.operation.name") == "vector_db_retrieve" or isinstance(dig(raw_output, "documents"), list):
        sheet.put_text("retrieval_query", dig(raw_input, "query"))
        sheet.put_documents("documents", documents_of(dig(raw_output, "documents")))
    hits = [_hit(event.attributes) for event in view.events if event.name in {"db.query.result", "db.search.result"}]
    if hits:
        sheet.put_documents("documents", hits)
    for key, name in (("traceloop.prompt.template", "template"), ("traceloop.prompt.version_name", "version_name")):
        if key in attributes:
            sheet.prompt.setdefault(name, attributes[key])


_INPUTS = ("inputs", "input_str", "arguments", "tool_arguments", "query", "args")
_OUTPUTS = ("outputs", "output", "result")


def _inner(raw: Value, keys: tuple[str, ...]) -> Value:
    """The value inside the decorators' envelope (`{"inputs": …, "tags": …}`, `{"args": [], "kwargs": {}}`)."""
    if not isinstance(raw, Mapping):
        return raw
    if set(raw) <= {"args", "kwargs"}:
        positional, named = raw.get("args"), raw.get("kwargs")
        return named if not positional else (positional if not named else raw)
    for key in keys:
        if key in raw:
            inner = structured(raw[key])
            return _unwrapped(inner)
    return raw


def _unwrapped(value: Value) -> Value:
    if isinstance(value, Mapping) and value.get("lc") and isinstance(value.get("kwargs"), Mapping):
        content = value["kwargs"].get("content")  # type: ignore[union-attr]
        path = value.get("id")
        if isinstance(path, list) and path and path[-1] == "ToolMessage" and content is not None:
            return structured(content)
    return value


def _rewrap(sheet: Sheet, field: str, keys: tuple[str, ...]) -> None:
    """OpenLLMetry copies its envelope into the convention's own tool attributes."""
    value = sheet.values.get(field)
    if isinstance(value, Mapping) and ("tags" in value or "metadata" in value or set(value) <= {"output", "kwargs"}):
        sheet.values[field] = _inner(value, keys)


def _hit(attributes: Mapping[str, Value]) -> Document:
    raw = {key.rpartition(".")[2]: value for key, value in attributes.items()}
    return document_of({**raw, "content": raw.get("document") or raw.get("entity"), "document": None})


TRACELOOP = Dialect(
    id="tl",
    title="OpenLLMetry (Traceloop)",
    detect=_detect,
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "traceloop.entity.input",
            "traceloop.entity.output",
            "traceloop.prompt.template*",
            "mcp.request.argument",
            "mcp.response.value",
            "db.query.result.document",
            "db.query.result.metadata",
            "db.search.result.entity",
            "gen_ai.headers",
            "llm.headers",
        ),
        FieldClass.IDENTITY: ("traceloop.association.properties.user_id",),
        FieldClass.NAME: (
            "traceloop.entity.name",
            "traceloop.workflow.name",
            "traceloop.entity.path",
            "traceloop.prompt.key",
        ),
        FieldClass.IDENTIFIER: (
            "traceloop.span.kind",
            "traceloop.entity.version",
            "traceloop.prompt.version*",
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.thread_id",
            "traceloop.association.properties.ls_*",
            "traceloop.association.properties.langgraph_*",
            "traceloop.association.properties.checkpoint_ns",
        ),
    },
)
