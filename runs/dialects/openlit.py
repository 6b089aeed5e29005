"""OpenLIT: conventions with a cost on the span, and verdicts of its guards in span events."""

from __future__ import annotations

from msgspec import structs

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.dialects.otel import usage_of
from runs.draft import Draft
from runs.solver import Convention
from runs.values import flag_of
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import Verdict

_COUNT_CACHE_BESIDE = frozenset({"anthropic", "aws.bedrock", "aws_bedrock", "bedrock"})
"""Providers that count cached tokens beside the input; OpenLIT passes their numbers on as they are."""


def _openlit_facts(view: View, draft: Draft) -> None:
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


OPENLIT = Dialect(
    id="openlit",
    title="OpenLIT",
    scopes=("openlit*",),
    detect=lambda view: view.resource.get("telemetry.sdk.name") == "openlit",
    facts=_openlit_facts,
    covers=("otel", "otel-legacy"),
    classes={
        FieldClass.IDENTIFIER: ("guard.name", "guard.action", "guard.phase", "guard.score"),
        FieldClass.CONTENT: ("guard.explanation",),
    },
)
