"""Laminar: kinds, inputs and outputs under its own keys, association properties for session and user."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.money import usd_of
from runs.sheet import Sheet
from runs.view import View
from spans.fields import FieldClass
from spans.usage import ReportedCost


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
    scopes=("lmnr.*",),
    families=frozenset({"lmnr"}),
    facts=_lmnr_facts,
    content=_lmnr_content,
    covers=("otel", "otel-legacy", "tl-legacy"),
    classes={
        FieldClass.CONTENT: ("lmnr.span.input", "lmnr.span.output"),
        FieldClass.IDENTITY: ("lmnr.association.properties.user_id",),
        FieldClass.IDENTIFIER: ("lmnr.*",),
    },
)
