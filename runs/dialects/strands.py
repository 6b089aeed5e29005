"""Strands Agents: conventions with messages in span events, totals repeated on the agent."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.sheet import Sheet
from runs.values import texts_of
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import Evidence, SpanKind, Verdict

_MULTI = ("invoke_swarm", "invoke_graph", "node")


def _facts(view: View, draft: Draft) -> None:
    if view.is_log:
        return
    first = view.name.partition(" ")[0]
    if first == "execute_event_loop_cycle":
        draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "Strands span name", "cycle")
    elif first.startswith(_MULTI):
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, "Strands span name", first)
    if first == "invoke_agent":
        draft.usage_hint = "rollup"
    draft.tag(*texts_of(view.attributes.get("tags")))
    if first == "execute_tool" and not view.is_error and "gen_ai.tool.status" not in view.attributes:
        answered = any(event.name == "gen_ai.choice" for event in view.events)
        if not answered and "gen_ai.tool.call.result" not in view.attributes and view.events:
            draft.decisions.append(Decision(Verdict.REQUIRE_APPROVAL, by="human", evidence=Evidence.DERIVED))


def _content(_view: View, _sheet: Sheet) -> None:
    """Messages stand in events and are read by the older conventions."""


STRANDS = Dialect(
    id="strands",
    title="Strands Agents",
    scopes=("strands.telemetry.tracer",),
    detect=lambda view: view.text("gen_ai.provider.name", "gen_ai.system") == "strands-agents",
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: ("message", "content", "tool.result", "system_prompt"),
        FieldClass.IDENTIFIER: ("event_loop.*",),
        FieldClass.NAME: ("gen_ai.agent.tools", "tags"),
    },
)
