"""Mastra's OpenTelemetry exporter: conventions beside `mastra.*`, a span for every chunk."""

from __future__ import annotations

from datetime import datetime

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message, has_messages
from runs.parts import call_part, parts_of
from runs.sheet import Sheet
from runs.solver import RawUsage
from runs.values import as_map, count_of, dig, flag_of, text_of, texts_of
from runs.view import View
from spans.content import Message
from spans.fields import FieldClass
from spans.kinds import SpanKind

_KINDS = {
    "agent_run": (SpanKind.AGENT, ""),
    "model_generation": (SpanKind.WORKFLOW, "model_generation"),
    "model_step": (SpanKind.WORKFLOW, "model_step"),
    "model_inference": (SpanKind.MODEL, ""),
    "model_chunk": (SpanKind.OTHER, "chunk"),
    "tool_call": (SpanKind.TOOL, ""),
    "mcp_tool_call": (SpanKind.TOOL, ""),
    "processor_run": (SpanKind.WORKFLOW, "processor_run"),
}
_METADATA = "mastra.metadata."
_OWN = {
    "runId",
    "sessionId",
    "threadId",
    "userId",
    "resourceId",
    "headers",
    "body",
    "modelMetadata",
    "toolCallId",
    "toolName",
}


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    raw = view.text("mastra.span.type")
    if raw in _KINDS:
        kind, subkind = _KINDS[raw]
        if raw in {"model_generation", "model_step"} and "gen_ai.usage.input_tokens" in attributes:
            kind, subkind = SpanKind.MODEL, raw
        draft.guess(kind, Strength.VENDOR, "mastra.span.type", subkind)
    else:
        draft.guess_value(raw, Strength.VENDOR, "mastra.span.type")
    draft.noise = draft.noise or raw == "model_chunk"
    draft.take(
        attributes,
        {
            "session_id": (f"{_METADATA}threadId", f"{_METADATA}sessionId"),
            "user_id": (f"{_METADATA}userId", f"{_METADATA}resourceId"),
            "tool_name": ("gen_ai.tool.name",),
        },
    )
    draft.count(
        RawUsage(
            input=count_of(attributes.get("gen_ai.usage.input_tokens")),
            output=count_of(attributes.get("gen_ai.usage.output_tokens")),
            cache_read=count_of(attributes.get("gen_ai.usage.cached_input_tokens")),
            reasoning=count_of(attributes.get("gen_ai.usage.reasoning_tokens")),
        )
    )
    if raw == "model_inference":
        draft.put("response_id", as_map(attributes.get(f"{_METADATA}body")).get("id"))
        draft.is_replay = _is_replay(view)
    draft.tag(*texts_of(attributes.get("mastra.tags")))
    for key, value in attributes.items():
        if key.startswith(_METADATA) and key[len(_METADATA) :] not in _OWN:
            draft.promote(f"metadata.{key[len(_METADATA) :]}", value)
    _first_token(view, draft)


def _is_replay(view: View) -> bool:
    """Whether a run that was paused for an approval plays its last step back.

    The paused step came without usage, since the pause cut it off; after the resume it comes again with usage, but no
    token arrives any more.
    """
    return (
        flag_of(view.attributes.get(f"{_METADATA}resumed")) is True
        and "gen_ai.usage.input_tokens" in view.attributes
        and "mastra.completion_start_time" not in view.attributes
    )


def _first_token(view: View, draft: Draft) -> None:
    raw = view.text("mastra.completion_start_time")
    if not raw or draft.ttft_ns is not None:
        return
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return
    waited = round(at.timestamp() * 1_000_000) * 1_000 - view.start_ns
    if at.tzinfo is not None and 0 <= waited <= max(0, view.end_ns - view.start_ns):
        draft.ttft_ns = waited


def _content(view: View, sheet: Sheet) -> None:
    raw = view.text("mastra.span.type")
    given, made = view.structured(f"mastra.{raw}.input"), view.structured(f"mastra.{raw}.output")
    if raw == "tool_call":
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)
    elif given is not None and raw in {"model_generation", "model_step", "agent_run", "model_inference"}:
        body = dig(given, "body") or given
        if has_messages(body):
            sheet.put_input(each_message(body, "user"))
    if raw in {"model_generation", "model_step", "model_inference"} and made is not None:
        calls = dig(made, "toolCalls")
        parts = [*parts_of(text_of(dig(made, "text")))]
        parts.extend(call_part(call) for call in (calls if isinstance(calls, list) else []) if isinstance(call, dict))
        if parts:
            sheet.put_output([Message(role="assistant", parts=tuple(parts))])
    sheet.put("input", given)
    sheet.put("output", made)


MASTRA = Dialect(
    id="mastra",
    title="Mastra",
    scopes=("@mastra/*",),
    families=frozenset({"mastra"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "mastra.agent_run.*",
            "mastra.model_generation.*",
            "mastra.model_step.input",
            "mastra.model_step.output",
            "mastra.model_inference.*",
            "mastra.model_chunk.*",
            "mastra.tool_call.*",
            "mastra.mcp_tool_call.*",
            "mastra.workflow_run.*",
            "mastra.workflow_step.*",
            "mastra.metadata.body",
            "mastra.metadata.headers",
        ),
        FieldClass.IDENTITY: ("mastra.metadata.userId", "mastra.metadata.resourceId"),
        FieldClass.NAME: ("mastra.tags",),
        FieldClass.IDENTIFIER: (
            "mastra.span.type",
            "mastra.metadata.runId",
            "mastra.metadata.sessionId",
            "mastra.metadata.threadId",
            "mastra.metadata.modelMetadata",
        ),
        FieldClass.PLAIN: ("mastra.metadata.*",),
    },
)
