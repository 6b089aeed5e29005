"""Frameworks that follow the conventions with few habits of their own: CrewAI, AutoGen, Agent Framework, and others."""

from __future__ import annotations

from runs.decisions import decider_of, verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.money import usd_of
from runs.sheet import Sheet
from runs.values import count_of, flag_of, has_prefix
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.usage import ReportedCost

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


def _crew_detect(view: View) -> bool:
    return view.scope in {"crewai", "crewai.telemetry"} or "crewai" in view.families


def _crew_facts(view: View, draft: Draft) -> None:
    if view.scope == "crewai.telemetry":
        draft.noise = True
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "CrewAI's own product telemetry", "telemetry")
    found = _CREW.get(" ".join(view.name.lower().split()[:2])) if view.scope == "crewai" else None
    if found is not None:
        draft.guess(found[0], Strength.NAME, "CrewAI span name", found[1])
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
    detect=_crew_detect,
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

_AUTOGEN_NOISE = (
    "autogen create",
    "autogen send",
    "autogen publish",
    "autogen receive",
    "autogen intercept",
    "autogen process",
    "autogen ack",
)


def _autogen_facts(view: View, draft: Draft) -> None:
    if view.name.startswith(_AUTOGEN_NOISE):
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "AutoGen's message bus", "messaging")
        draft.noise = True


AUTOGEN = Dialect(
    id="autogen",
    title="AutoGen",
    detect=lambda view: view.scope.startswith("autogen") or view.text("gen_ai.system") == "autogen",
    facts=_autogen_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.IDENTIFIER: ("messaging.*",)},
)

_MAF_NOISE = ("workflow.build", "edge_group.process", "message.send")


def _maf_facts(view: View, draft: Draft) -> None:
    if view.name.startswith(_MAF_NOISE):
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "Agent Framework plumbing", "internal")
        draft.noise = True
    elif view.name.startswith(("workflow.run", "executor.process")):
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, "Agent Framework span name", "workflow")
    if view.text("gen_ai.operation.name") == "invoke_agent":
        draft.usage_hint = "rollup"
    draft.take(view.attributes, {"workflow": ("workflow.name",)})


AGENT_FRAMEWORK = Dialect(
    id="maf",
    title="Microsoft Agent Framework",
    detect=lambda view: (
        view.scope == "agent_framework" or view.text("gen_ai.provider.name") == "microsoft.agent_framework"
    ),
    facts=_maf_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.NAME: ("workflow.name",), FieldClass.CONTENT: ("workflow.description", "workflow.definition")},
)


def _sk_facts(view: View, draft: Draft) -> None:
    first = view.name.partition(" ")[0]
    if first in {"chat.completions", "text.completions", "chat"}:
        draft.guess(SpanKind.MODEL, Strength.NAME, "Semantic Kernel span name")
    elif first == "AutoFunctionInvocationLoop":
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, "Semantic Kernel span name", "loop")


SEMANTIC_KERNEL = Dialect(
    id="sk",
    title="Semantic Kernel",
    detect=lambda view: view.scope.startswith(("semantic_kernel", "Microsoft.SemanticKernel")) or "sk" in view.families,
    facts=_sk_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.NAME: ("sk.available_functions",)},
)


def _openlit_detect(view: View) -> bool:
    return view.scope.startswith("openlit") or view.resource.get("telemetry.sdk.name") == "openlit"


def _openlit_facts(view: View, draft: Draft) -> None:
    usd = usd_of(view.attributes.get("gen_ai.usage.cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "gen_ai.usage.cost")
    for event in view.events:
        verdict = (
            verdict_of(str(event.attributes.get("guard.action") or "")) if event.name == "guard.evaluation" else None
        )
        if verdict is not None:
            draft.decisions.append(
                Decision(
                    verdict,
                    rule=str(event.attributes.get("guard.name") or ""),
                    reason=str(event.attributes.get("guard.explanation") or "")[:300],
                    subject="message",
                )
            )
    if flag_of(view.attributes.get("guard.denied")) and not draft.decisions:
        draft.decisions.append(Decision(Verdict.DENY, rule=view.text("guard.name"), subject="message"))


OPENLIT = Dialect(
    id="openlit",
    title="OpenLIT",
    detect=_openlit_detect,
    facts=_openlit_facts,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.IDENTIFIER: ("guard.name", "guard.action", "guard.phase", "guard.score"),
        FieldClass.CONTENT: ("guard.explanation",),
    },
)


def _lmnr_facts(view: View, draft: Draft) -> None:
    draft.guess_value(view.text("lmnr.span.type"), Strength.VENDOR, "lmnr.span.type")
    prefix = "lmnr.association.properties."
    draft.take(
        view.attributes,
        {
            "session_id": (f"{prefix}session_id", f"{prefix}session.id"),
            "user_id": (f"{prefix}user_id",),
        },
    )
    if view.text("lmnr.span.type").upper() == "TOOL":
        draft.put("tool_name", view.name)
    usd = usd_of(view.attributes.get("gen_ai.usage.cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "gen_ai.usage.cost")


def _lmnr_content(view: View, sheet: Sheet) -> None:
    given, made = view.structured("lmnr.span.input"), view.structured("lmnr.span.output")
    sheet.put("input", given)
    sheet.put("output", made)
    if view.text("lmnr.span.type").upper() == "TOOL":
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)


LAMINAR = Dialect(
    id="lmnr",
    title="Laminar",
    detect=lambda view: "lmnr" in view.families or view.scope.startswith("lmnr."),
    facts=_lmnr_facts,
    content=_lmnr_content,
    covers=("otel", "otel-legacy", "tl-legacy"),
    classes={
        FieldClass.CONTENT: ("lmnr.span.input", "lmnr.span.output"),
        FieldClass.IDENTITY: ("lmnr.association.properties.user_id",),
        FieldClass.IDENTIFIER: ("lmnr.*",),
    },
)


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
    detect=lambda view: (
        view.scope in {"github.copilot", "@github/copilot"} or bool(view.families & {"github", "copilot_chat"})
    ),
    facts=_copilot_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.IDENTIFIER: ("github.copilot.*", "copilot_chat.*")},
)


def _agentops_facts(view: View, draft: Draft) -> None:
    draft.guess_value(view.text("agentops.span.kind"), Strength.VENDOR, "agentops.span.kind")
    usd = usd_of(view.attributes.get("gen_ai.usage.total_cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "gen_ai.usage.total_cost")


AGENTOPS = Dialect(
    id="agentops",
    title="AgentOps",
    detect=lambda view: "agentops" in view.families or view.scope.startswith("agentops"),
    facts=_agentops_facts,
    covers=("otel", "otel-legacy", "tl-legacy"),
    classes={FieldClass.IDENTIFIER: ("agentops.*",)},
)
