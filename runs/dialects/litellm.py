"""LiteLLM's OpenTelemetry callback, both versions: costs, guardrails, and a raw copy under every request."""

from __future__ import annotations

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.money import usd_of
from runs.sheet import Sheet
from runs.solver import RawUsage
from runs.values import as_map, count_of, dig, flag_of
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.usage import ReportedCost

_NOISE = frozenset({"auth", "router", "redis", "postgres", "self", "batch_write_to_db", "proxy_pre_call"})


def _detect(view: View) -> bool:
    return view.scope.startswith("litellm") or "litellm" in view.families or "hidden_params" in view.attributes


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    first = view.name.partition(" ")[0]
    if view.name == "litellm_request":
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "LiteLLM span name")
    elif view.name == "raw_gen_ai_request":
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "LiteLLM's copy of the raw request", "raw")
    elif view.name in _NOISE or first in {"auth", "route"}:
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "LiteLLM plumbing", "internal")
        draft.noise = True
    elif view.name == "guardrail" or first == "execute_guardrail":
        draft.guess(SpanKind.GUARDRAIL, Strength.VENDOR, "LiteLLM span name")
        _guardrail(view, draft)
    draft.take(
        attributes,
        {
            "user_id": (
                "litellm.end_user.id",
                "metadata.user_api_key_end_user_id",
                "metadata.user_api_key_user_id",
            ),
            "response_id": ("gen_ai.response.id",),
        },
    )
    _cost(view, draft)
    _usage(view, draft)
    call = view.text("litellm.call_id")
    if call:
        draft.call_keys.append(f"request:{call}")
    if flag_of(attributes.get("llm.is_streaming")) or flag_of(attributes.get("litellm.request.streaming")):
        draft.is_stream = True


def _cost(view: View, draft: Draft) -> None:
    """After discount and margin; a number inside JSON only where no attribute says it."""
    hidden = as_map(view.attributes.get("hidden_params")).get("response_cost")
    for key, value in (
        ("litellm.cost.total", view.attributes.get("litellm.cost.total")),
        ("gen_ai.cost.total_cost", view.attributes.get("gen_ai.cost.total_cost")),
        ("hidden_params.response_cost", hidden),
    ):
        usd = usd_of(value)
        if usd is not None and draft.cost is None:
            draft.cost = ReportedCost(usd, key)


def _usage(view: View, draft: Draft) -> None:
    """Cached tokens stand only inside the metadata's usage object."""
    attributes = view.attributes
    usage = as_map(attributes.get("metadata.usage_object"))
    if usage and view.name != "raw_gen_ai_request":
        draft.count(
            RawUsage(
                input=count_of(attributes.get("gen_ai.usage.input_tokens", usage.get("prompt_tokens"))),
                output=count_of(attributes.get("gen_ai.usage.output_tokens", usage.get("completion_tokens"))),
                total=count_of(usage.get("total_tokens")),
                cache_read=count_of(dig(usage, "prompt_tokens_details", "cached_tokens")),
                reasoning=count_of(dig(usage, "completion_tokens_details", "reasoning_tokens")),
            )
        )


def _guardrail(view: View, draft: Draft) -> None:
    status = view.text("litellm.guardrail.status", "guardrail_status")
    verdict = verdict_of(status) or Verdict.ABSTAIN
    masked = as_map(
        view.attributes.get("litellm.guardrail.masked_entity_count", view.attributes.get("masked_entity_count"))
    )
    if verdict is Verdict.ALLOW and any(count_of(value) for value in masked.values()):
        verdict = Verdict.REDACT
    draft.decisions.append(
        Decision(
            verdict=verdict,
            rule=view.text("litellm.guardrail.name", "guardrail_name"),
            by="policy",
            reason=view.text("litellm.guardrail.action", "guardrail_action")[:300],
            subject="message",
        )
    )


def _content(_view: View, _sheet: Sheet) -> None:
    """Messages stand under the names of older conventions."""


LITELLM = Dialect(
    id="litellm",
    title="LiteLLM",
    detect=_detect,
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy", "tl-legacy"),
    classes={
        FieldClass.CONTENT: ("hidden_params", "guardrail_response", "llm.openai.*", "llm.anthropic.*", "metadata.*"),
        FieldClass.IDENTIFIER: ("litellm.*", "metadata.usage_object", "guardrail_status", "guardrail_mode"),
        FieldClass.NAME: ("guardrail_name",),
    },
)
