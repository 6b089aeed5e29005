"""The Logfire SDK: its own model spans, and the OpenAI Agents SDK as it writes it."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.money import usd_of
from runs.parts import parts_of
from runs.rawusage import usage_in
from runs.sheet import Sheet, tool_definitions
from runs.values import as_map, dig, flag_of, text_of
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.usage import ReportedCost

_AGENTS_SDK = "logfire.openai_agents"
_WORKFLOWS = ("OpenAI Agents trace", "Task: ", "Turn ")
_OTHERS = {
    "Agent run: ": (SpanKind.AGENT, "agent_name", ""),
    "Function: ": (SpanKind.TOOL, "tool_name", ""),
    "Handoff: ": (SpanKind.AGENT, "", "handoff"),
    "MCP: list tools": (SpanKind.OTHER, "", "mcp_list_tools"),
}
"""How the templates of the integration begin → kind, what `name` is, subkind."""


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    if view.text("logfire.span_type") == "pending_span":
        draft.noise = True
        draft.fold = "pending"
        draft.flags.append("pending")
    request, response = as_map(attributes.get("request_data")), as_map(attributes.get("response_data"))
    if request.get("model") and ("messages" in request or "input" in request or "prompt" in request):
        draft.guess(SpanKind.MODEL, Strength.NAME, "Logfire request_data")
        draft.put("request_model", request.get("model"))
        draft.count(usage_in(response.get("usage")))
        draft.is_stream = draft.is_stream or bool(flag_of(request.get("stream")))
    if view.name.startswith("Guardrail") and "triggered" in attributes:
        hit = flag_of(attributes.get("triggered"))
        if hit is not None:
            draft.guess(SpanKind.GUARDRAIL, Strength.NAME, "Logfire guardrail span")
            draft.decisions.append(
                Decision(Verdict.DENY if hit else Verdict.ALLOW, rule=view.text("name"), by="policy", subject="message")
            )
    if view.scope == _AGENTS_SDK:
        _agents_sdk(view, draft)
    usd = usd_of(attributes.get("operation.cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "operation.cost")


def _agents_sdk(view: View, draft: Draft) -> None:
    """Span data of the SDK under bare keys; what a span is, only its template tells."""
    name, rule = view.name, "Logfire's template of the Agents SDK"
    if name.startswith(_WORKFLOWS):
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, rule)
    for start, (kind, field, subkind) in _OTHERS.items():
        if name.startswith(start):
            draft.guess(kind, Strength.NAME, rule, subkind)
            if field:
                draft.put(field, view.attributes.get("name"))
    if name.startswith("OpenAI Agents trace"):
        draft.put("workflow", view.attributes.get("name"))
        group = view.text("group_id")
        draft.put("session_id", "" if group == "null" else group)  # a group that nobody named is JSON's null
    draft.put("agent_name", view.attributes.get("agent_name"))
    if "gen_ai.request.model" in view.attributes:
        draft.guess(SpanKind.MODEL, Strength.NAME, rule)
        draft.count(usage_in(view.structured("usage")))
    error = as_map(view.attributes.get("error"))
    if error:
        detail = text_of(dig(error, "data", "error"))
        draft.put("error_message", ": ".join(filter(None, (text_of(error.get("message")), detail))))


def _content(view: View, sheet: Sheet) -> None:
    request, response = as_map(view.attributes.get("request_data")), as_map(view.attributes.get("response_data"))
    if view.scope == _AGENTS_SDK:
        _agents_sdk_content(view, sheet)
    if request:
        sheet.put_input(each_message(request, "user"))
        sheet.put_tools(tool_definitions(request.get("tools")))
    message = response.get("message") or response.get("combined_chunk_content")
    if message is not None:
        sheet.put_output(each_message(message, "assistant"))


def _agents_sdk_content(view: View, sheet: Sheet) -> None:
    """Asked and answered: `input` and `output` of chat calls, `raw_input` and `response` of the Responses API."""
    if view.name.startswith("Function: "):
        sheet.put("tool_arguments", view.structured("input"))
        sheet.put("tool_result", view.structured("output"))
        return
    if "gen_ai.request.model" not in view.attributes:
        return
    response = as_map(view.attributes.get("response"))
    if response:
        sheet.put_system(parts_of(response.get("instructions")))
        sheet.put_input(each_message(view.structured("raw_input"), "user"))
        sheet.put_output(each_message(response.get("output"), "assistant"))
        sheet.put_tools(tool_definitions(response.get("tools")))
    else:  # before `request_data`, to which the integration has appended the answer
        sheet.put_input(each_message(view.structured("input"), "user"))
        sheet.put_output(each_message(view.structured("output"), "assistant"))


LOGFIRE = Dialect(
    id="logfire",
    title="Logfire",
    scopes=("logfire*",),
    families=frozenset({"logfire"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "request_data", "response_data", "logfire.msg", "logfire.msg_template", "raw_input", "response",
        ),
        FieldClass.IDENTIFIER: ("logfire.*",),
    },
)  # fmt: skip
