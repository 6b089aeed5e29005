"""MLflow tracing: `mlflow.*`, every value a JSON string."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength, kind_of
from runs.messages import each_message
from runs.money import usd_of
from runs.rawusage import usage_in
from runs.sheet import Sheet, documents_of, tool_definitions
from runs.values import as_list, as_map, dig, unquoted
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind
from spans.usage import ReportedCost


def _detect(view: View) -> bool:
    return "mlflow" in view.families and any(key.startswith("mlflow.") for key in view.attributes)


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    raw = unquoted(attributes.get("mlflow.spanType"))
    draft.guess_value("" if raw.upper() == "UNKNOWN" else raw, Strength.VENDOR, "mlflow.spanType")
    draft.put("provider", unquoted(attributes.get("mlflow.llm.provider")))
    known = kind_of(raw)
    kind = known[0] if known else SpanKind.OTHER
    if kind in {SpanKind.MODEL, SpanKind.EMBEDDING}:
        _model(view, draft)
    elif kind is SpanKind.TOOL:
        draft.put("tool_name", unquoted(attributes.get("mlflow.spanFunctionName")) or view.name)
    elif kind is SpanKind.AGENT:
        draft.put("agent_name", view.name)
    for key, field in _IDENTITY:
        draft.put(field, unquoted(attributes.get(key)))
    cost = usd_of(as_map(attributes.get("mlflow.llm.cost")).get("total_cost"))
    if cost is not None and draft.cost is None:
        draft.cost = ReportedCost(cost, "mlflow.llm.cost")
    prompts = as_list(attributes.get("mlflow.linkedPrompts"))
    if prompts:
        draft.put("prompt_name", dig(prompts, 0, "name"))
        draft.put("prompt_version", dig(prompts, 0, "version"))


_IDENTITY = (
    ("mlflow.trace.session", "session_id"),
    ("session.id", "session_id"),
    ("mlflow.trace.user", "user_id"),
)


def _model(view: View, draft: Draft) -> None:
    attributes = view.attributes
    inputs, outputs = view.structured("mlflow.spanInputs"), view.structured("mlflow.spanOutputs")
    draft.put("request_model", unquoted(attributes.get("model")) or dig(inputs, "model"))
    draft.put("response_model", unquoted(attributes.get("mlflow.llm.model")))
    draft.put("request_model", draft.text("response_model"))
    draft.put("response_id", dig(outputs, "id"))
    draft.count(usage_in(as_map(attributes.get("mlflow.chat.tokenUsage"))))
    draft.count(usage_in(as_map(dig(outputs, "usage"))))
    draft.is_stream = draft.is_stream or dig(inputs, "stream") is True
    chunk = next((event for event in view.events if event.name == "mlflow.chunk.item.0"), None)
    if chunk is not None:
        draft.is_stream = True
        if draft.ttft_ns is None and chunk.time_ns >= view.start_ns:
            draft.ttft_ns = chunk.time_ns - view.start_ns


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    given, made = view.structured("mlflow.spanInputs"), view.structured("mlflow.spanOutputs")
    known = kind_of(unquoted(attributes.get("mlflow.spanType")))
    kind = known[0] if known else SpanKind.OTHER
    if kind is SpanKind.MODEL:
        sheet.put_input(each_message(given, "user"))
        sheet.put_output(each_message(made, "assistant"))
        sheet.put_tools(tool_definitions(attributes.get("mlflow.chat.tools")))
        for name, value in as_map(given).items():
            if name in {
                "temperature",
                "max_tokens",
                "top_p",
                "seed",
                "stop",
                "stream",
                "tool_choice",
                "reasoning_effort",
            }:
                sheet.param(name, value)
    elif kind is SpanKind.TOOL:
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)
    elif kind is SpanKind.RETRIEVAL:
        sheet.put_text("retrieval_query", dig(given, "query") or (given if isinstance(given, str) else None))
        sheet.put_documents("documents", documents_of(made))
    sheet.put("input", given)
    sheet.put("output", made)


MLFLOW = Dialect(
    id="mlflow",
    title="MLflow tracing",
    detect=_detect,
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: (
            "mlflow.spanInputs",
            "mlflow.spanOutputs",
            "mlflow.chat.tools",
            "mlflow.chat.messages",
            "tools",
        ),
        FieldClass.IDENTITY: ("mlflow.trace.user", "mlflow.user"),
        FieldClass.NAME: ("mlflow.spanFunctionName",),
        FieldClass.IDENTIFIER: ("mlflow.*",),
    },
)
