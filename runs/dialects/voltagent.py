"""VoltAgent: kinds in `span.type`, messages and token counts under names of its own."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.sheet import Sheet
from runs.solver import Convention, RawUsage
from runs.values import count_of
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.guess_value(view.text("span.type", "entity.type"), Strength.VENDOR, "span.type")
    draft.take(
        attributes,
        {
            "session_id": ("voltagent.conversation_id", "conversation.id"),
            "user_id": ("user.id", "voltagent.user_id"),
            "agent_name": ("agent.name", "entity.name")
            if draft.best_guess().kind is SpanKind.AGENT
            else ("agent.name",),
            "request_model": ("llm.model", "ai.model.name"),
            "tool_name": ("tool.name",),
            "tool_call_id": ("tool.call.id",),
        },
    )

    def count(name: str) -> int | None:
        return count_of(attributes.get(f"usage.{name}", attributes.get(f"llm.usage.{name}")))

    draft.count(
        RawUsage(
            input=count("prompt_tokens"),
            output=count("completion_tokens"),
            total=count("total_tokens"),
            cache_read=count("cached_tokens"),
            reasoning=count("reasoning_tokens"),
            input_convention=Convention.INCLUSIVE,
            output_convention=Convention.INCLUSIVE,
        )
    )


def _content(view: View, sheet: Sheet) -> None:
    for key in ("llm.messages", "agent.messages"):
        if key in view.attributes:
            sheet.put_input(each_message(view.structured(key), "user"))
    if view.text("span.type") == "tool":
        sheet.put("tool_arguments", view.structured("input"))
        sheet.put("tool_result", view.structured("output"))


VOLTAGENT = Dialect(
    id="voltagent",
    title="VoltAgent",
    scopes=("@voltagent/core",),
    families=frozenset({"voltagent"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: ("llm.messages", "agent.messages"),
        FieldClass.IDENTITY: ("voltagent.user_id",),
        FieldClass.IDENTIFIER: ("voltagent.*", "span.type", "entity.type"),
    },
)
