"""GitHub Copilot in the editor and on the command line: permissions and hooks beside the conventions."""

from __future__ import annotations

from runs.decisions import decider_of, verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind


def _copilot_facts(view: View, draft: Draft) -> None:
    if view.name == "permission" or view.name.startswith("permission "):
        draft.guess(SpanKind.GUARDRAIL, Strength.VENDOR, "Copilot permission", "human_approval")
        verdict = verdict_of(view.text("github.copilot.permission.result"))
        if verdict is not None:
            draft.decisions.append(
                Decision(verdict, by=decider_of(view.text("github.copilot.permission.source"), "human"))
            )
    hook = verdict_of(view.text("github.copilot.hook.decision"))
    if hook is not None:
        draft.decisions.append(Decision(hook, rule=view.text("copilot_chat.hook_type"), by="hook"))
    draft.take(
        view.attributes,
        {"session_id": ("gen_ai.conversation.id", "copilot_chat.session_id", "copilot_chat.chat_session_id")},
    )


COPILOT = Dialect(
    id="copilot",
    title="GitHub Copilot",
    scopes=("github.copilot", "@github/copilot"),
    families=frozenset({"github", "copilot_chat"}),
    facts=_copilot_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.IDENTIFIER: ("github.copilot.*", "copilot_chat.*")},
)
