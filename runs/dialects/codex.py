"""OpenAI Codex CLI: many small spans of which few matter, and logs that carry tools, decisions and the sandbox."""

from __future__ import annotations

from runs.decisions import decider_of, verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.sheet import Sheet
from runs.solver import Convention, RawUsage
from runs.values import count_of, flag_of, number_of, structured
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import Evidence, SpanKind, Verdict

_TOOLS = frozenset({"exec_command", "apply_patch"})
_WORK = frozenset({"run_sampling_request"})


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.take(
        attributes,
        {
            "session_id": ("conversation.id", "thread_id"),
            "user_id": ("user.email", "user.account_id"),
            "request_model": ("model", "slug"),
            "tool_name": ("tool_name",),
            "tool_call_id": ("call_id",),
        },
    )
    draft.put("provider", "openai")
    if view.is_log:
        _log(view, draft)
    else:
        _span(view, draft)
    draft.count(
        RawUsage(
            reasoning=count_of(attributes.get("codex.usage.reasoning_output_tokens")),
            total=count_of(attributes.get("codex.usage.total_tokens")),
            input_convention=Convention.INCLUSIVE,
            output_convention=Convention.INCLUSIVE,
        )
    )


def _span(view: View, draft: Draft) -> None:
    name = view.name
    if name == "session_task.turn":
        draft.guess(SpanKind.AGENT, Strength.VENDOR, "Codex span name")
        draft.put("agent_name", "Codex")
        draft.usage_hint = "rollup"
        draft.count(
            RawUsage(
                input=count_of(view.attributes.get("codex.turn.token_usage.input_tokens")),
                output=count_of(view.attributes.get("codex.turn.token_usage.output_tokens")),
                cache_read=count_of(view.attributes.get("codex.turn.token_usage.cached_input_tokens")),
                input_convention=Convention.INCLUSIVE,
                output_convention=Convention.INCLUSIVE,
            )
        )
    elif name == "handle_responses" and "gen_ai.usage.input_tokens" in view.attributes:
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "Codex handle_responses with usage")
    elif name in _TOOLS or ("tool_name" in view.attributes and "tool" in name):
        # without a tool's name it is work on the list of tools, or the frame around the call
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Codex span name")
        draft.put("tool_name", name)
    elif name in _WORK or name.startswith("op.dispatch."):
        draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "Codex span name", name)
    else:
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "Codex plumbing", "internal")
        draft.noise = True


def _log(view: View, draft: Draft) -> None:
    attributes = view.attributes
    event = view.name.removeprefix("codex.")
    if event == "sse_event" and view.text("event.kind") == "response.completed" and "input_token_count" in attributes:
        draft.fold = "call"
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "Codex response.completed")
        draft.count(
            RawUsage(
                input=count_of(attributes.get("input_token_count")),
                output=count_of(attributes.get("output_token_count")),
                cache_read=count_of(attributes.get("cached_token_count")),
                cache_write=count_of(attributes.get("cache_write_token_count")),
                reasoning=count_of(attributes.get("reasoning_token_count")),
                input_convention=Convention.INCLUSIVE,
                output_convention=Convention.INCLUSIVE,
            )
        )
        waited = number_of(attributes.get("ttft_ms"))
        draft.ttft_ns = None if waited is None else round(waited * 1e6)
    elif event == "tool_result":
        draft.fold = "tool_result"
        draft.lasted_ns = (count_of(attributes.get("duration_ms")) or 0) * 1_000_000
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Codex tool_result")
        if flag_of(attributes.get("success")) is False:
            draft.tool_failed = True
    elif event == "user_prompt":
        draft.fold = "said"
    elif event == "tool_decision":
        draft.fold = "decision"
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Codex tool_decision")
        verdict = verdict_of(view.text("decision"))
        if verdict is not None:
            draft.decisions.append(
                Decision(verdict, by=decider_of(view.text("source"), "human"), subject_ref=view.text("call_id"))
            )
    elif event == "sandbox_outcome" and view.text("outcome").lower().startswith("denied"):
        draft.fold = "decision"
        draft.decisions.append(
            Decision(
                Verdict.DENY, rule="sandbox", by="sandbox", subject_ref=view.text("call_id"), evidence=Evidence.EXPLICIT
            )
        )
    elif event == "sse_event":
        draft.noise = True


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    sheet.put("tool_arguments", structured(attributes.get("arguments")))
    sheet.put("tool_result", structured(attributes.get("output")))
    if view.is_log and view.name == "codex.user_prompt":
        sheet.put_input(each_message(attributes.get("prompt"), "user"))


CODEX = Dialect(
    id="codex",
    title="OpenAI Codex CLI",
    scopes=("codex_exec", "codex_cli_rs", "codex_otel.log_only", "codex"),
    families=frozenset({"codex"}),
    detect=lambda view: view.name.startswith("codex."),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: ("arguments", "output", "prompt"),
        FieldClass.IDENTIFIER: ("codex.*", "conversation.id", "thread_id", "call_id", "model", "slug"),
    },
)
