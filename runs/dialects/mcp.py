"""The Model Context Protocol's own spans, of its SDK and of others that follow: client and server of one call."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _facts(view: View, draft: Draft) -> None:
    """A client names the tool only in the span's name, `MCP send tools/call lookup`; a server in an attribute too.

    Client and server lie inside one another, often inside the agent's own span of the call: assembly counts one call.
    `mcp.session.id` is the transport's session and nobody's conversation.
    """
    method = view.text("mcp.method.name") or _method(view.name)
    draft.guess_value(method, Strength.OPERATION, "mcp.method.name")
    if method == "tools/call":
        draft.put("tool_name", view.attributes.get("gen_ai.tool.name"))
        draft.put("tool_name", view.name.partition("tools/call ")[2])
        if view.text("error.type") == "tool_error":
            draft.tool_failed = True
    elif method and draft.best_guess().kind is SpanKind.OTHER:
        draft.guess(SpanKind.OTHER, Strength.OPERATION, "mcp.method.name", "mcp")


def _method(name: str) -> str:
    words = name.removeprefix("MCP send ").split()
    return words[0] if words else ""


MCP = Dialect(
    id="mcp",
    title="Model Context Protocol",
    scopes=("mcp-python-sdk",),
    detect=lambda view: "mcp.method.name" in view.attributes,
    facts=_facts,
    covers=("otel",),
    classes={FieldClass.IDENTIFIER: ("mcp.*", "jsonrpc.request.id", "rpc.response.status_code")},
)
