"""Claude SDKs with tracing built in, and the spans that Anthropic's platform itself sends."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reasons
from runs.kinds import Strength
from runs.sheet import Sheet
from runs.values import structured
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _facts(view: View, draft: Draft) -> None:
    name = view.name
    if name in {"anthropic.messages.create", "anthropic.messages.stream"}:
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "Claude SDK span name")
    elif name == "anthropic.messages.tool_runner":
        draft.guess(SpanKind.AGENT, Strength.VENDOR, "Claude SDK span name")
    elif name.startswith(("anthropic.tool_use", "anthropic.custom_tool_use", "anthropic.mcp_tool_use")):
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Claude SDK span name")
        draft.put("tool_name", name.partition(" ")[2])
    elif name == "anthropic.environment.work":
        draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "Claude SDK span name", "environment")
    elif name.startswith("anthropic."):
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "Claude SDK span name", "api")
    draft.finish_reasons = draft.finish_reasons or finish_reasons((view.text("anthropic.message.stop_reason"),))
    request = view.text("anthropic.request.id")
    if request:
        draft.call_keys.append(f"request:{request}")


def _content(view: View, sheet: Sheet) -> None:
    sheet.put("tool_result", structured(view.attributes.get("anthropic.tool_result.content")))
    sheet.param("service_tier", view.attributes.get("anthropic.response.service_tier"))


ANTHROPIC_SDK = Dialect(
    id="anthropic-sdk",
    title="Claude SDK",
    scopes=("com.anthropic.sdk.*", "com.anthropic.claude-platform*"),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: ("anthropic.tool_result.content",),
        FieldClass.IDENTIFIER: ("anthropic.*",),
    },
)
