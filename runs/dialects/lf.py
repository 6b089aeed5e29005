"""Langfuse SDK since 3.0: `langfuse.observation.*` on spans, usage and cost as JSON."""

from __future__ import annotations

from datetime import datetime

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength, kind_of
from runs.messages import each_message, has_messages
from runs.money import usd_of
from runs.rawusage import buckets, usage_in
from runs.sheet import Sheet, documents_of, tool_definitions
from runs.values import as_map, flag_of, structured, text_of, texts_of, unquoted
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import Evidence, SpanKind, Verdict
from spans.usage import ReportedCost

_P = "langfuse.observation."
_GENERATION_SIGNS = (
    "model.name",
    "usage_details",
    "cost_details",
    "completion_start_time",
    "model.parameters",
    "prompt.name",
)
_TEXTS = {
    "session_id": ("langfuse.session.id", "session.id"),
    "user_id": ("langfuse.user.id", "user.id"),
    "workflow": ("langfuse.trace.name",),
    "workflow_version": ("langfuse.version", "langfuse.release"),
    "request_model": (f"{_P}model.name",),
    "prompt_name": (f"{_P}prompt.name",),
    "prompt_version": (f"{_P}prompt.version",),
}


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.take(attributes, _TEXTS)
    _kind(view, draft)
    usage = as_map(attributes.get(f"{_P}usage_details"))
    if usage:
        draft.count(usage_in(usage) if {"prompt_tokens", "input_tokens"} & set(usage) else buckets(usage))
    _cost(view, draft)
    draft.tag(*texts_of(attributes.get("langfuse.trace.tags")))
    for key, value in attributes.items():
        if key.startswith("langfuse.trace.metadata."):
            draft.promote(f"metadata.{key.rpartition('.')[2]}", unquoted(value))
    if view.text(f"{_P}level").upper() == "ERROR":
        draft.tool_failed = True
        draft.put("error_message", attributes.get(f"{_P}status_message"))
    _first_token(view, draft)


def _kind(view: View, draft: Draft) -> None:
    raw = view.text(f"{_P}type")
    if raw.lower() in {"span", ""} and any(_P + sign in view.attributes for sign in _GENERATION_SIGNS):
        draft.guess(SpanKind.MODEL, Strength.VENDOR, f"{_P}model or usage")
        return
    draft.guess_value(raw, Strength.VENDOR, f"{_P}type")
    known = kind_of(raw)
    kind = known[0] if known else SpanKind.OTHER
    if kind is SpanKind.TOOL:
        draft.put("tool_name", view.name)
    elif kind is SpanKind.AGENT:
        draft.put("agent_name", view.name)
    elif kind is SpanKind.GUARDRAIL:
        _guardrail(view, draft)


def _cost(view: View, draft: Draft) -> None:
    """The total, or the sum of the parts when no total is given."""
    cost = as_map(view.attributes.get(f"{_P}cost_details"))
    if not cost or draft.cost is not None:
        return
    usd = usd_of(cost.get("total"))
    if usd is None:
        parts = [amount for amount in (usd_of(value) for value in cost.values()) if amount is not None]
        usd = sum(parts[1:], parts[0]) if parts else None
    if usd is not None:
        draft.cost = ReportedCost(usd, f"{_P}cost_details")


def _first_token(view: View, draft: Draft) -> None:
    raw = unquoted(view.attributes.get(f"{_P}completion_start_time"))
    if not raw or draft.ttft_ns is not None:
        return
    try:
        at = datetime.fromisoformat(raw)
    except ValueError:
        return
    waited = round(at.timestamp() * 1_000_000) * 1_000 - view.start_ns
    if at.tzinfo is not None and 0 <= waited <= max(0, view.end_ns - view.start_ns):
        draft.ttft_ns = waited


def _guardrail(view: View, draft: Draft) -> None:
    output = as_map(view.attributes.get(f"{_P}output"))
    allowed = flag_of(output.get("allowed", output.get("passed")))
    verdict = None if allowed is None else (Verdict.ALLOW if allowed else Verdict.DENY)
    verdict = verdict or verdict_of(text_of(output.get("decision") or output.get("action") or output.get("verdict")))
    if verdict is not None:
        draft.decisions.append(
            Decision(
                verdict=verdict,
                rule=text_of(output.get("policy") or output.get("rule")) or view.name,
                by="policy",
                reason=text_of(output.get("reason"))[:300],
                subject="agent_step",
                evidence=Evidence.EXPLICIT,
            )
        )


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    given, made = view.structured(f"{_P}input"), view.structured(f"{_P}output")
    kind = view.text(f"{_P}type").lower()
    if isinstance(given, dict) and set(given) == {"args", "kwargs"}:
        given = given["kwargs"] if not given["args"] else (given["args"] if not given["kwargs"] else given)
    sheet.put("input", given)
    sheet.put("output", made)
    if kind == "tool":
        sheet.put("tool_arguments", given)
        sheet.put("tool_result", made)
    elif kind == "retriever":
        sheet.put_text("retrieval_query", given if isinstance(given, str) else as_map(given).get("query"))
        sheet.put_documents("documents", documents_of(made) if isinstance(made, (list, dict)) else ())
    elif kind == "generation" or any(_P + sign in attributes for sign in _GENERATION_SIGNS):
        if has_messages(given):
            sheet.put_input(each_message(given, "user"))
        if has_messages(made):
            sheet.put_output(each_message(made, "assistant"))
        sheet.put_tools(tool_definitions(as_map(given).get("tools")))
    for name, value in as_map(attributes.get(f"{_P}model.parameters")).items():
        sheet.param(name, value)
    for name in ("name", "version"):
        if f"{_P}prompt.{name}" in attributes:
            sheet.prompt.setdefault(name, structured(attributes[f"{_P}prompt.{name}"]))


LANGFUSE = Dialect(
    id="lf",
    title="Langfuse SDK",
    scopes=("langfuse-sdk*",),
    families=frozenset({"langfuse"}),
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: (
            "langfuse.observation.input",
            "langfuse.observation.output",
            "langfuse.observation.status_message",
            "langfuse.observation.metadata.*",
            "langfuse.trace.input",
            "langfuse.trace.output",
        ),
        FieldClass.IDENTITY: ("langfuse.user.id",),
        FieldClass.NAME: ("langfuse.trace.name", "langfuse.observation.prompt.name", "langfuse.trace.tags"),
        FieldClass.IDENTIFIER: ("langfuse.*",),
        FieldClass.PLAIN: ("langfuse.trace.metadata.*",),
    },
)
