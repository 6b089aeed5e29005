"""CrewAI: crews, tasks, agents, its policies and what people answered."""

from __future__ import annotations

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.values import count_of, flag_of, has_prefix
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict

_CREW = {
    "execute crew": (SpanKind.WORKFLOW, "crew"),
    "execute flow": (SpanKind.WORKFLOW, "flow"),
    "execute task": (SpanKind.WORKFLOW, "task"),
    "execute agent": (SpanKind.AGENT, ""),
    "call llm": (SpanKind.MODEL, ""),
    "call tool": (SpanKind.TOOL, ""),
    "execute mcp": (SpanKind.TOOL, ""),
    "call method": (SpanKind.WORKFLOW, "method"),
    "evaluate guardrail": (SpanKind.GUARDRAIL, ""),
    "query memory": (SpanKind.RETRIEVAL, ""),
    "retrieve memory": (SpanKind.RETRIEVAL, ""),
    "query knowledge": (SpanKind.RETRIEVAL, ""),
    "search knowledge": (SpanKind.RETRIEVAL, ""),
    "save memory": (SpanKind.OTHER, "memory"),
    "agent reasoning": (SpanKind.WORKFLOW, "plan"),
}


def _crew_facts(view: View, draft: Draft) -> None:
    if view.scope == "crewai.telemetry":
        draft.noise = True
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "CrewAI's own product telemetry", "telemetry")
    found = _CREW.get(" ".join(view.name.lower().split()[:2])) if view.scope == "crewai" else None
    if found is not None:
        draft.guess(found[0], Strength.NAME, "CrewAI span name", found[1])
    if view.scope.startswith("opentelemetry.instrumentation.crewai"):  # calls everything `invoke_agent`
        if "crewai.task.id" in view.attributes:
            draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "OpenLLMetry's CrewAI task", "task")
        elif "crewai.crew.id" in view.attributes:
            draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "OpenLLMetry's CrewAI crew", "crew")
    draft.take(
        view.attributes,
        {
            "workflow": ("crewai.crew.name", "crewai.flow.name"),
            "agent_name": ("crewai.agent.role",),
            "user_id": ("crewai.principal.id",),
            "error_type": ("crewai.tool.failure.code",),
            "error_message": ("crewai.tool.failure.message",),
        },
    )
    passed = flag_of(view.attributes.get("crewai.guardrail.success"))
    if passed is not None:
        draft.decisions.append(
            Decision(
                Verdict.ALLOW if passed else Verdict.DENY, rule=view.text("crewai.guardrail.type"), subject="message"
            )
        )
    verdict = verdict_of(view.text("crewai.policy.decision"))
    if verdict is not None and has_prefix(view.attributes, "crewai.policy.degradation."):
        verdict = Verdict.ERROR
    if verdict is not None:
        draft.decisions.append(
            Decision(
                verdict,
                rule=view.text("crewai.policy.name", "crewai.policy.id"),
                by="policy",
                reason=view.text("crewai.policy.reason")[:300],
            )
        )
    human = verdict_of(view.text("crewai.human_feedback.outcome"))
    if human is not None:
        draft.decisions.append(
            Decision(human, by="human", wait_ms=count_of(view.attributes.get("crewai.human_feedback.wait_duration_ms")))
        )


CREWAI = Dialect(
    id="crewai",
    title="CrewAI",
    scopes=("crewai", "crewai.telemetry"),
    families=frozenset({"crewai"}),
    facts=_crew_facts,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.CONTENT: (
            "crewai.*inputs",
            "crewai.crew.tasks_output",
            "crewai.crew.result",
            "crewai.memory.*",
            "crewai.knowledge.*",
            "crewai.task.description",
            "crewai.human_feedback.*",
            "crewai.guardrail.description",
            "crewai.tool.failure.message",
        ),
        FieldClass.NAME: ("crewai.crew.name", "crewai.flow.name", "crewai.agent.role", "crewai.task.name"),
        FieldClass.IDENTITY: ("crewai.principal.id",),
        FieldClass.IDENTIFIER: ("crewai.*",),
    },
)
