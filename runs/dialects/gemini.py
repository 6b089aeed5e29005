"""Gemini CLI and its forks: conventions with Gemini's own message form, and `gemini_cli.*` logs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.sheet import Sheet
from runs.solver import Convention, RawUsage
from runs.values import as_list, as_map, count_of, dig, flag_of, structured, text_of
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
    key = _answer_key(view, draft.text("session_id"))
    if key:
        draft.call_keys.append(key)
    if not view.is_log:
        if view.text("gen_ai.operation.name") == "llm_call" and "gen_ai.usage.input_tokens" not in attributes:
            rule = "a span of Gemini CLI without numbers: the log records of its session tell the call"
            draft.guess(SpanKind.WORKFLOW, Strength.OWN, rule, "llm_call")
        return
    event = view.name.partition(".")[2]
    if event == "api_response":
        draft.fold = "call"
        draft.put(
            "response_id", next((id_ for chunk in _chunks(view) if (id_ := text_of(chunk.get("responseId")))), "")
        )
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


def _chunks(view: View) -> list[Mapping[str, Any]]:
    """The provider's own answer as `api_response` tells it, in the pieces in which it came."""
    return [as_map(chunk) for chunk in as_list(view.structured("response_text"))]


def _answer_key(view: View, session: str) -> str:
    """One key for all that tells of one model call: its span, `api_response` and the details event have no id in common.

    They are told in traces of their own, so what they share is the session, the input that was counted and the answer.
    """
    parts = [
        as_map(part) for chunk in _chunks(view) for part in as_list(dig(chunk, "candidates", 0, "content", "parts"))
    ] or [
        as_map(part)
        for message in as_list(view.structured("gen_ai.output.messages"))
        for part in as_list(as_map(message).get("parts"))
    ]
    said = "".join(text_of(part.get("text") or part.get("content")) for part in parts)
    calls = [text_of(dig(part, "functionCall", "id") or part.get("id")) for part in parts]
    counted = count_of(view.attributes.get("input_token_count") or view.attributes.get("gen_ai.usage.input_tokens"))
    if not session or counted is None or not (said or any(calls)):
        return ""
    told = f"{session}\0{counted}\0{said}\0{calls}".encode("utf-8", "replace")
    return f"gemini:{hashlib.sha256(told).hexdigest()[:24]}"


def _content(view: View, sheet: Sheet) -> None:
    if view.is_log and view.name.endswith(".api_response"):
        parts = [part for chunk in _chunks(view) for part in as_list(dig(chunk, "candidates", 0, "content", "parts"))]
        sheet.put_output(each_message({"role": "model", "parts": parts}, "assistant") if parts else ())
    if view.is_log and view.name.partition(".")[2] == "user_prompt":
        sheet.put_input(each_message(view.attributes.get("prompt"), "user"))
    sheet.put("tool_arguments", structured(view.attributes.get("function_args")))
    if view.text("gen_ai.operation.name") == "tool_call":
        given, made = view.structured("gen_ai.input.messages"), view.structured("gen_ai.output.messages")
        asked = dig(given, "args")
        sheet.put("tool_arguments", given if asked is None else asked)
        told = dig(made, "response", "responseParts", 0, "functionResponse", "response")
        sheet.put("tool_result", made if told is None else told)


GEMINI_CLI = Dialect(
    id="gemini",
    title="Gemini CLI",
    scopes=("gemini-cli",),
    detect=lambda view: view.name.startswith(_PREFIXES),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.CONTENT: ("function_args", "prompt", "response_text"), FieldClass.NAME: ("function_name",)},
)
