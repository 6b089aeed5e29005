"""Braintrust: type, input, output, metadata and metrics, each one JSON value."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.rawusage import usage_in
from runs.sheet import Sheet
from runs.values import as_map, text_of
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _facts(view: View, draft: Draft) -> None:
    told = as_map(view.structured("braintrust.span_attributes"))
    draft.guess_value(text_of(told.get("type")), Strength.VENDOR, "braintrust.span_attributes")
    metadata = as_map(view.structured("braintrust.metadata"))
    draft.put("request_model", metadata.get("model"))
    draft.put("provider", metadata.get("provider"))
    draft.put("session_id", metadata.get("session_id") or metadata.get("thread_id"))
    draft.put("user_id", metadata.get("user_id"))
    if draft.best_guess().kind is SpanKind.TOOL:
        draft.put("tool_name", told.get("name") or view.name)
    metrics = as_map(view.structured("braintrust.metrics"))
    draft.count(usage_in({**metrics, "cached_tokens": metrics.get("prompt_cached_tokens")} if metrics else None))


def _content(view: View, sheet: Sheet) -> None:
    kind = text_of(as_map(view.structured("braintrust.span_attributes")).get("type"))
    given = view.structured(
        "braintrust.input_json" if "braintrust.input_json" in view.attributes else "braintrust.input"
    )
    made = view.structured(
        "braintrust.output_json" if "braintrust.output_json" in view.attributes else "braintrust.output"
    )
    if kind == "llm":
        sheet.put_input(each_message(given, "user"))
        sheet.put_output(each_message(made, "assistant"))
    elif kind == "tool":
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)
    sheet.put("input", given)
    sheet.put("output", made)


BRAINTRUST = Dialect(
    id="braintrust",
    title="Braintrust",
    families=frozenset({"braintrust"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "braintrust.input*",
            "braintrust.output*",
            "braintrust.metadata",
            "braintrust.expected",
        ),
        FieldClass.IDENTIFIER: ("braintrust.*",),
    },
)
