"""Microsoft Agent Framework: workflows and executors around spans in the current conventions."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.view import View
from spans.fields import FieldClass
from spans.kinds import SpanKind

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
    scopes=("agent_framework",),
    detect=lambda view: view.text("gen_ai.provider.name") == "microsoft.agent_framework",
    facts=_maf_facts,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.NAME: ("workflow.name",), FieldClass.CONTENT: ("workflow.description", "workflow.definition")},
)
