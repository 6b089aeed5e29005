"""Read last on every span: plain names that many emitters share and no dialect owns."""

from __future__ import annotations

from runs.decisions import approval_events, generic_decisions
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.failures import failure_on
from runs.kinds import Strength
from runs.messages import each_message
from runs.sheet import Sheet
from runs.view import View
from spans.kinds import SpanKind

_TEXTS = {
    "session_id": ("session.id", "langwatch.thread.id", "wandb.thread_id", "metadata.session_id"),
    "user_id": ("user.id", "enduser.id", "enduser.pseudo.id", "metadata.user_id"),
    "workflow": ("tracetape.workflow", "workflow.name"),
    "workflow_version": ("tracetape.workflow.version",),
    "error_type": ("error.type",),
    "error_message": ("error.message",),
}


def _facts(view: View, draft: Draft) -> None:
    generic_decisions(view.attributes, draft)
    approval_events(view.events, draft)
    draft.take(view.attributes, _TEXTS)
    _conventional_name(view, draft)
    families = view.families
    if "http" in families or "url" in families:
        draft.guess(SpanKind.OTHER, Strength.PRESENCE, "http keys", "http")
    elif "db" in families:
        draft.guess(SpanKind.OTHER, Strength.PRESENCE, "db keys", "db")
    elif "messaging" in families or "rpc" in families:
        draft.guess(SpanKind.OTHER, Strength.PRESENCE, "rpc keys", "rpc")


_NAMED = {
    "execute_tool": (SpanKind.TOOL, "tool_name"),
    "invoke_agent": (SpanKind.AGENT, "agent_name"),
    "invoke_workflow": (SpanKind.WORKFLOW, "workflow"),
}


def _conventional_name(view: View, draft: Draft) -> None:
    """Hand-written spans often carry only the convention's span name, `execute_tool lookup`; nothing else looks so."""
    operation, _, subject = view.name.partition(" ")
    found = _NAMED.get(operation)
    if found is None or not subject or view.is_log:
        return
    kind, field = found
    draft.guess(kind, Strength.NAME, f"span name {operation} …")
    if draft.best_guess().kind is kind:
        draft.put(field, subject)


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    if isinstance(attributes.get("gen_ai.prompt"), str):
        sheet.put_input(each_message(attributes["gen_ai.prompt"], "user"))
    if isinstance(attributes.get("gen_ai.completion"), str):
        sheet.put_output(each_message(attributes["gen_ai.completion"], "assistant"))
    for side in ("input", "output"):
        for key in (f"{side}.value", side):
            if key in attributes:
                sheet.put(side, view.structured(key))
    if view.events:
        sheet.put_text("error_stack", failure_on(view).stack)


GENERIC = Dialect(id="", title="Generic", facts=_facts, content=_content)
