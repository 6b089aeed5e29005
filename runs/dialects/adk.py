"""Google ADK, schema 1 (vendor JSON on spans) and schema 2 (conventions, content in details logs)."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.parts import parts_of
from runs.rawusage import usage_in
from runs.sheet import Sheet, tool_definitions
from runs.values import as_map, dig, structured
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    first, _, rest = view.name.partition(" ")
    if view.is_log:
        pass
    elif first == "execute_tool" and "merged" in rest:
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "ADK merges parallel tool calls into an extra span", "merged")
    elif first == "execute_tool":
        draft.guess(SpanKind.TOOL, Strength.NAME, "ADK span name")
        draft.put("tool_name", rest)
    elif first in {"invoke_agent", "agent_run"}:
        draft.guess(SpanKind.AGENT, Strength.NAME, "ADK span name")
        draft.put("agent_name", rest.strip("[]"))
    elif first in {"call_llm", "generate_content"}:
        draft.guess(SpanKind.MODEL, Strength.NAME, "ADK span name")
    elif first in {"invocation", "invoke_workflow", "invoke_node"}:
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, "ADK span name", first)
    draft.take(
        attributes,
        {
            "session_id": ("gcp.vertex.agent.session_id",),
            "agent_name": ("adk.experimental.root_agent.name",),
        },
    )
    response = as_map(attributes.get("gcp.vertex.agent.llm_response"))
    if response:
        draft.count(usage_in(response.get("usage_metadata")))
    draft.put("request_model", as_map(attributes.get("gcp.vertex.agent.llm_request")).get("model"))


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    request = as_map(attributes.get("gcp.vertex.agent.llm_request"))
    if request.get("contents"):
        sheet.put_input(each_message(request["contents"], "user"))
        config = as_map(request.get("config"))
        sheet.put_system(parts_of(config.get("system_instruction")))
        sheet.put_tools(tool_definitions(config.get("tools")))
    response = as_map(attributes.get("gcp.vertex.agent.llm_response"))
    if dig(response, "content"):
        sheet.put_output(each_message([response["content"]], "assistant"))
    for field, key in (
        ("tool_arguments", "gcp.vertex.agent.tool_call_args"),
        ("tool_result", "gcp.vertex.agent.tool_response"),
    ):
        value = structured(attributes.get(key))
        if value not in ({}, "", None, "<not serializable>"):
            sheet.put(field, value)


ADK = Dialect(
    id="adk",
    title="Google ADK",
    scopes=("gcp.vertex.agent",),
    families=frozenset({"gcp"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "gcp.vertex.agent.llm_request",
            "gcp.vertex.agent.llm_response",
            "gcp.vertex.agent.tool_call_args",
            "gcp.vertex.agent.tool_response",
            "gcp.vertex.agent.data",
        ),
        FieldClass.IDENTIFIER: ("gcp.*", "adk.*"),
    },
)
