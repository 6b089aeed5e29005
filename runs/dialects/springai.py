"""Spring AI: conventions on the span, tools and vector stores under its own keys, content in logs as plain text."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import messages_of
from runs.sheet import Sheet, documents_of
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind

_SCOPE = "org.springframework.ai"
_PROMPT, _COMPLETION = "Chat Model Prompt Content:", "Chat Model Completion:"


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    if "spring.ai.tool.definition.name" in attributes or view.text("spring.ai.kind") == "tool_call":
        draft.guess(SpanKind.TOOL, Strength.VENDOR, "Spring AI tool keys")
        draft.put("tool_name", attributes.get("spring.ai.tool.definition.name"))
    elif view.text("spring.ai.kind") == "vector_store" or "db.vector.query.content" in attributes:
        draft.guess(SpanKind.RETRIEVAL, Strength.VENDOR, "Spring AI vector store keys")
    elif view.text("spring.ai.kind") in {"chat_client", "advisor"}:
        draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "spring.ai.kind", view.text("spring.ai.kind"))
    draft.put("session_id", attributes.get("spring.ai.chat.client.conversation.id"))
    if view.is_log and _text(view):
        draft.fold = "content"


def _content(view: View, sheet: Sheet) -> None:
    sheet.put("tool_arguments", view.structured("spring.ai.tool.call.arguments"))
    sheet.put("tool_result", view.structured("spring.ai.tool.call.result"))
    sheet.put_text("retrieval_query", view.attributes.get("db.vector.query.content"))
    if "db.vector.query.response.documents" in view.attributes:
        sheet.put_documents("documents", documents_of(view.structured("db.vector.query.response.documents")))
    text = _text(view)
    if text.startswith(_PROMPT):
        sheet.put_input(messages_of(text.removeprefix(_PROMPT).strip(), "user"))
    elif text.startswith(_COMPLETION):
        sheet.put_output(messages_of(text.removeprefix(_COMPLETION).strip(), "assistant"))


def _text(view: View) -> str:
    """The body of a log of the content handlers, else nothing."""
    body = view.body if isinstance(view.body, str) else ""
    return body if body.startswith((_PROMPT, _COMPLETION)) else ""


SPRING_AI = Dialect(
    id="springai",
    title="Spring AI",
    scopes=("org.springframework.ai*",),
    families=frozenset({"spring"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "spring.ai.tool.call.arguments",
            "spring.ai.tool.call.result",
            "db.vector.query.content",
            "db.vector.query.response.documents",
        ),
        FieldClass.NAME: ("spring.ai.tool.definition.name",),
        FieldClass.IDENTIFIER: ("spring.ai.*",),
    },
)
