"""LiveKit Agents: voice sessions, whose turns, tools and speech are told by the span's name and `lk.*`."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import messages_of
from runs.sheet import Sheet
from runs.values import flag_of
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind

_KINDS = {
    "agent_turn": (SpanKind.AGENT, ""),
    "start_agent_activity": (SpanKind.AGENT, ""),
    "function_tool": (SpanKind.TOOL, ""),
    "llm_node": (SpanKind.MODEL, ""),
    "llm_request": (SpanKind.MODEL, ""),
    "llm_request_run": (SpanKind.MODEL, ""),
}
_SPEECH = ("tts_", "stt_")


def _facts(view: View, draft: Draft) -> None:
    found = _KINDS.get(view.name)
    if found is not None:
        draft.guess(found[0], Strength.NAME, "LiveKit span name", found[1])
    elif view.name.startswith(_SPEECH):
        draft.guess(SpanKind.MODEL, Strength.NAME, "LiveKit span name", "speech")
    else:
        draft.guess(SpanKind.OTHER, Strength.NAME, "LiveKit span name", "turn")
    draft.take(
        view.attributes,
        {
            "session_id": ("lk.room_name", "lk.room_id", "lk.job_id"),
            "agent_name": ("lk.agent_name", "lk.agent_label"),
            "tool_name": ("lk.function_tool.name",),
            "tool_call_id": ("lk.function_tool.id",),
        },
    )
    if flag_of(view.attributes.get("lk.function_tool.is_error")):
        draft.tool_failed = True


def _content(view: View, sheet: Sheet) -> None:
    if "lk.chat_ctx" in view.attributes:
        context = view.structured("lk.chat_ctx")
        items = context.get("items") if isinstance(context, dict) else context
        sheet.put_input(messages_of(items if items is not None else context, "user"))
    sheet.put("tool_arguments", view.structured("lk.function_tool.arguments"))
    sheet.put("tool_result", view.structured("lk.function_tool.output"))
    for key in ("lk.input_text", "lk.user_transcript"):
        sheet.put("input", view.attributes.get(key))
    for key in ("lk.response.text", "lk.output_text"):
        sheet.put("output", view.attributes.get(key))


LIVEKIT = Dialect(
    id="livekit",
    title="LiveKit Agents",
    scopes=("livekit-agents",),
    families=frozenset({"lk"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "lk.chat_ctx",
            "lk.input_text",
            "lk.output_text",
            "lk.user_transcript",
            "lk.response.text",
            "lk.function_tool.arguments",
            "lk.function_tool.output",
        ),
        FieldClass.NAME: ("lk.function_tool.name", "lk.agent_name"),
        FieldClass.IDENTIFIER: ("lk.*",),
    },
)
