"""Gemini CLI and its forks: conventions with Gemini's own message form, and `gemini_cli.*` logs."""

from __future__ import annotations

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.sheet import Sheet
from runs.solver import Convention, RawUsage
from runs.values import count_of, flag_of, structured
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind

_PREFIXES = ("gemini_cli.", "qwen-code.")


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.put("provider", "google.gemini")
    draft.take(
        attributes,
        {
            "session_id": ("gen_ai.conversation.id", "session.id"),
            "user_id": ("user.email",),
            "tool_name": ("function_name",),
            "request_model": ("model",),
            "tool_call_id": ("gen_ai.tool.call_id",),
        },
    )
    if not view.is_log:
        return
    event = view.name.partition(".")[2]
    if event == "api_response":
        draft.fold = "call"
        draft.lasted_ns = (count_of(attributes.get("duration_ms")) or 0) * 1_000_000
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "Gemini CLI api_response")
        draft.count(
            RawUsage(
                input=count_of(attributes.get("input_token_count")),
                output=count_of(attributes.get("output_token_count")),
                cache_read=count_of(attributes.get("cached_content_token_count")),
                reasoning=count_of(attributes.get("thoughts_token_count")),
                total=count_of(attributes.get("total_token_count")),
                input_convention=Convention.INCLUSIVE,
                output_convention=Convention.EXCLUSIVE,
            )
        )
    elif event == "user_prompt":
        draft.fold = "said"
    elif event == "tool_call":
        draft.fold = "tool_result"
        draft.lasted_ns = (count_of(attributes.get("duration_ms")) or 0) * 1_000_000
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Gemini CLI tool_call")
        if flag_of(attributes.get("success")) is False:
            draft.tool_failed = True
        raw = view.text("decision")
        verdict = verdict_of(raw)
        if verdict is not None:
            draft.decisions.append(Decision(verdict, by="config" if raw == "auto_accept" else "human"))


def _content(view: View, sheet: Sheet) -> None:
    if view.is_log and view.name.partition(".")[2] == "user_prompt":
        sheet.put_input(each_message(view.attributes.get("prompt"), "user"))
    sheet.put("tool_arguments", structured(view.attributes.get("function_args")))
    if view.text("gen_ai.operation.name") == "tool_call":
        sheet.put("tool_arguments", view.structured("gen_ai.input.messages"))
        sheet.put("tool_result", view.structured("gen_ai.output.messages"))


GEMINI_CLI = Dialect(
    id="gemini",
    title="Gemini CLI",
    scopes=("gemini-cli",),
    detect=lambda view: view.name.startswith(_PREFIXES),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.CONTENT: ("function_args", "prompt"), FieldClass.NAME: ("function_name",)},
)
