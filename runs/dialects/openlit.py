"""OpenLIT: conventions with a cost on the span, and verdicts of its guards in span events."""

from __future__ import annotations

import re

from msgspec import structs

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.dialects.otel import usage_of
from runs.draft import Draft
from runs.kinds import Strength
from runs.sheet import Sheet
from runs.solver import Convention
from runs.values import evaluated, flag_of, printed, structured
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict

_COUNT_CACHE_BESIDE = frozenset({"anthropic", "aws.bedrock", "aws_bedrock", "bedrock"})
"""Providers that count cached tokens beside the input; OpenLIT passes their numbers on as they are."""


_PRINTED_MESSAGE = re.compile(r"""content=('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*") name=""")
"""A tool message of LangChain, as Python prints it."""


def _openlit_facts(view: View, draft: Draft) -> None:
    if view.scope == "openlit.instrumentation.langgraph" and view.text("gen_ai.operation.name") == "invoke_agent":
        name = view.text("gen_ai.agent.name")
        if name and name == view.text("gen_ai.agent.id"):  # a node of the graph; agents have an id of their own
            draft.guess(SpanKind.WORKFLOW, Strength.VENDOR, "OpenLIT's LangGraph node", "node")
            draft.texts["agent_name"] = ""  # before the conventions read it
    if view.text("gen_ai.provider.name", "gen_ai.system") in _COUNT_CACHE_BESIDE:
        draft.count(structs.replace(usage_of(view), input_convention=Convention.EXCLUSIVE))
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


def _openlit_content(view: View, sheet: Sheet) -> None:
    """Arguments and results that it prints instead of writing them as JSON."""
    if view.text("gen_ai.operation.name") != "execute_tool":
        return
    sheet.put("tool_arguments", printed(view.attributes.get("gen_ai.tool.call.arguments")))
    result = view.attributes.get("gen_ai.tool.call.result")
    told = _PRINTED_MESSAGE.match(result) if isinstance(result, str) else None
    inner = evaluated(told[1]) if told else None
    if isinstance(inner, str):
        sheet.put("tool_result", structured(inner))


OPENLIT = Dialect(
    id="openlit",
    title="OpenLIT",
    scopes=("openlit*",),
    detect=lambda view: view.resource.get("telemetry.sdk.name") == "openlit",
    facts=_openlit_facts,
    content=_openlit_content,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.IDENTIFIER: ("guard.name", "guard.action", "guard.phase", "guard.score"),
        FieldClass.CONTENT: ("guard.explanation",),
    },
)
