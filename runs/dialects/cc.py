"""Claude Code and the Claude Agent SDK's CLI: bare keys on spans, and logs that alone carry cost and decisions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runs.decisions import decider_of, verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reasons
from runs.kinds import Strength
from runs.messages import each_message
from runs.money import usd_of
from runs.parts import parts_of
from runs.sheet import Sheet, tool_definitions
from runs.solver import Convention, RawUsage
from runs.values import count_of, flag_of, number_of, structured
from runs.view import View
from spans.content import Message, Part
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.usage import ReportedCost

_KINDS = {
    "claude_code.interaction": (SpanKind.AGENT, ""),
    "claude_code.llm_request": (SpanKind.MODEL, ""),
    "claude_code.tool": (SpanKind.TOOL, ""),
    "claude_code.tool.blocked_on_user": (SpanKind.GUARDRAIL, "human_approval"),
    "claude_code.tool.execution": (SpanKind.OTHER, "tool_execution"),
    "claude_code.hook": (SpanKind.OTHER, "hook"),
}
_LOGS = {
    "api_request": "call",
    "tool_result": "tool_result",
    "tool_decision": "decision",
    "api_error": "exception",
    "user_prompt": "said",
    "assistant_response": "said",
}
_PERMANENT = {"user_permanent": "always", "user_temporary": "session"}


def _event(view: View) -> str:
    return view.name.removeprefix("claude_code.") if view.is_log else ""


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    kind = _KINDS.get(view.name)
    if kind is not None and not view.is_log:
        draft.guess(kind[0], Strength.VENDOR, "Claude Code span name", kind[1])
    draft.put("provider", "anthropic")
    draft.take(
        attributes,
        {
            "session_id": ("session.id",),
            "user_id": ("user.id", "user.account_uuid", "user.email"),
            "request_model": ("gen_ai.request.model", "model"),
            "response_id": ("gen_ai.response.id",),
            "agent_id": ("agent_id",),
            "tool_name": ("tool_name",),
            "tool_call_id": ("tool_use_id", "gen_ai.tool.call.id"),
        },
    )
    if view.name == "claude_code.interaction":
        draft.put("agent_name", "Claude Code")
    _usage(view, draft)
    draft.finish_reasons = draft.finish_reasons or finish_reasons((view.text("stop_reason"),))
    waited = number_of(attributes.get("ttft_ms"))
    if draft.ttft_ns is None and waited is not None:
        draft.ttft_ns = round(waited * 1e6)
    request = view.text("request_id")
    if request:
        draft.call_keys.append(f"request:{request}")
    _outcome(view, draft)
    _log(view, draft)


def _usage(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.count(
        RawUsage(
            input=count_of(attributes.get("input_tokens")),
            output=count_of(attributes.get("output_tokens")),
            cache_read=count_of(attributes.get("cache_read_tokens")),
            cache_write=count_of(attributes.get("cache_creation_tokens")),
            input_convention=Convention.EXCLUSIVE,
            output_convention=Convention.INCLUSIVE,
        )
    )
    usd = usd_of(attributes.get("cost_usd"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "cost_usd")


def _outcome(view: View, draft: Draft) -> None:
    """What the user, a hook or the configuration decided, and whether the execution failed."""
    attributes = view.attributes
    if view.name == "claude_code.tool.blocked_on_user" or _event(view) == "tool_decision":
        verdict = verdict_of(view.text("decision"))
        source = view.text("source")
        if verdict is not None:
            draft.decisions.append(
                Decision(
                    verdict=verdict,
                    rule=_PERMANENT.get(source, ""),
                    by=decider_of(source, "human"),
                    reason=source,
                    subject_ref=view.text("tool_use_id"),
                    wait_ms=count_of(attributes.get("duration_ms")),
                )
            )
    if view.name == "claude_code.tool.execution" and flag_of(attributes.get("success")) is False:
        draft.put("error_type", view.text("error_class") or "ToolError")
        draft.put("error_message", attributes.get("error"))
    if view.name == "claude_code.hook" and (count_of(attributes.get("num_blocking")) or 0) > 0:
        draft.decisions.append(Decision(Verdict.DENY, rule=view.text("hook_name"), by="hook"))


def _log(view: View, draft: Draft) -> None:
    if not view.is_log:
        return
    event = _event(view)
    draft.put("agent_name", "Claude Code")
    draft.fold = _LOGS.get(event, draft.fold)
    draft.lasted_ns = (count_of(view.attributes.get("duration_ms")) or 0) * 1_000_000
    if event == "api_request":
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "Claude Code api_request")
    elif event == "tool_result":
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Claude Code tool_result")
        if flag_of(view.attributes.get("success")) is False:
            draft.tool_failed = True
            draft.put("error_message", view.attributes.get("error"))
    elif event == "tool_decision":
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Claude Code tool_decision")
        draft.lasted_ns = 0


_HEADER = re.compile(r"^\[(USER PROMPT|USER|ASSISTANT|TOOL RESULT|TOOL INPUT)(?:: ([^\]\n]{1,200}))?\]\n", re.MULTILINE)
"""What stands above each piece of text on detailed spans."""


def _pieces(text: str) -> Iterator[tuple[str, str, str]]:
    """(header, its name or id, text) of a text with headers; a text without any is one piece."""
    headers = list(_HEADER.finditer(text))
    if not headers or headers[0].start():
        yield "", "", text[: headers[0].start()] if headers else text
    ends = (*(header.start() for header in headers[1:]), len(text))
    for header, end in zip(headers, ends, strict=False):
        yield header[1], header[2] or "", text[header.end() : end].strip("\n")


def _context(text: str) -> Iterator[Message]:
    """What a model call was told since the one before."""
    for header, call_id, said in _pieces(text):
        if header == "TOOL RESULT":
            yield Message("tool", (Part("tool_result", content=said, id=call_id),))
        elif said:
            yield Message("assistant" if header == "ASSISTANT" else "user", (Part("text", content=said),))


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    context = attributes.get("new_context")
    sheet.put_input(each_message(attributes.get("user_prompt"), "user"))
    if isinstance(context, str) and view.name != "claude_code.tool":
        sheet.put_input(_context(context))
    if _event(view) == "user_prompt":
        sheet.put_input(each_message(attributes.get("prompt"), "user"))
    elif _event(view) == "assistant_response":
        sheet.put_output(each_message(attributes.get("response"), "assistant"))
    sheet.put_output(each_message(attributes.get("response.model_output"), "assistant"))
    sheet.put_system(parts_of(attributes.get("system_prompt_preview")))
    sheet.put_tools(tool_definitions(view.structured("tools")))
    _tool_content(view, sheet)


def _tool_content(view: View, sheet: Sheet) -> None:
    """Arguments and result of a tool call; what its event gave back says more than the text the model read."""
    attributes = view.attributes
    for key in ("tool_input", "tool_parameters", "full_command"):
        given = attributes.get(key)
        sheet.put("tool_arguments", structured(_HEADER.sub("", given, count=1) if isinstance(given, str) else given))
    for event in view.events:
        if event.name == "tool.output":
            for key in ("output", "content", "diff", "error"):
                sheet.put("tool_result", event.attributes.get(key))
    context = attributes.get("new_context")
    if isinstance(context, str) and view.name == "claude_code.tool":
        for header, _, said in _pieces(context):
            if header == "TOOL RESULT":
                sheet.put("tool_result", structured(said))


CLAUDE_CODE = Dialect(
    id="cc",
    title="Claude Code",
    scopes=("com.anthropic.claude_code*",),
    detect=lambda view: view.name.startswith("claude_code."),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "user_prompt",
            "new_context",
            "prompt",
            "response",
            "system_prompt_preview",
            "response.model_output",
            "tool_input",
            "tool_parameters",
            "full_command",
            "file_path",
            "diff",
        ),
        FieldClass.IDENTIFIER: (
            "request_id",
            "client_request_id",
            "tool_use_id",
            "stop_reason",
            "query_source*",
            "prompt.id",
        ),
        FieldClass.NAME: ("skill_name", "subagent_type", "hook_name"),
    },
)
