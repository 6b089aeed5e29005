"""AgentOps: its own kinds and totals over the older conventions."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.money import usd_of
from runs.view import View
from spans.fields import FieldClass
from spans.usage import ReportedCost


def _agentops_facts(view: View, draft: Draft) -> None:
    draft.guess_value(view.text("agentops.span.kind"), Strength.VENDOR, "agentops.span.kind")
    usd = usd_of(view.attributes.get("gen_ai.usage.total_cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "gen_ai.usage.total_cost")


AGENTOPS = Dialect(
    id="agentops",
    title="AgentOps",
    scopes=("agentops*",),
    families=frozenset({"agentops"}),
    facts=_agentops_facts,
    covers=("otel", "otel-legacy", "tl-legacy"),
    classes={FieldClass.IDENTIFIER: ("agentops.*",)},
)
