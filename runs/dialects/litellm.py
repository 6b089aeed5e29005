"""LiteLLM's OpenTelemetry callback, both versions: costs, guardrails, and a raw copy under every request."""

from __future__ import annotations

from msgspec import structs

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.money import usd_of
from runs.parts import call_part
from runs.rawusage import usage_in
from runs.sheet import Sheet, tool_definitions
from runs.solver import Convention
from runs.values import as_map, count_of, flag_of, printed
from runs.view import View
from spans.content import Part
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.usage import ReportedCost
from spans.values import Attributes, Value

RAW = "raw_gen_ai_request"
"""A copy of what went to the provider, below the request. Under a span that is not LiteLLM's it is all that tells of a call."""
_NOISE = frozenset({"auth", "router", "redis", "postgres", "self", "batch_write_to_db", "proxy_pre_call"})


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    first = view.name.partition(" ")[0]
    if view.name == "litellm_request":
        draft.guess(SpanKind.MODEL, Strength.VENDOR, "LiteLLM span name")
    elif view.name == RAW:
        _raw(view, draft)
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


def _raw(view: View, draft: Draft) -> None:
    """Keys are `llm.<provider>.<field>`, and structured ones are printed by Python."""
    provider, fields = _raw_fields(view)
    usage = usage_in(printed(fields.get("usage")))
    if not usage.says_something():
        draft.guess(SpanKind.OTHER, Strength.VENDOR, "LiteLLM's copy of the raw request", "raw")
        return
    draft.guess(SpanKind.MODEL, Strength.VENDOR, "LiteLLM's copy of the raw request", "raw")
    draft.count(usage)
    draft.put("provider", provider)
    draft.put("response_id", fields.get("id"))
    draft.put("response_model", fields.get("model"))


def _raw_fields(view: View) -> tuple[str, Attributes]:
    found: dict[str, Value] = {}
    provider = ""
    for key, value in view.attributes.items():
        first, _, rest = key.partition(".")
        if first == "llm" and "." in rest:
            provider, _, name = rest.partition(".")
            found[name] = value
    return provider, found


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
    usage = usage_in(printed(attributes.get("metadata.usage_object")))
    if usage.says_something() and view.name != RAW:
        sent_in, sent_out = (count_of(attributes.get(f"gen_ai.usage.{side}_tokens")) for side in ("input", "output"))
        draft.count(
            structs.replace(
                usage,
                input=sent_in if sent_in is not None else usage.input,
                output=sent_out if sent_out is not None else usage.output,
                input_convention=Convention.INCLUSIVE,
                output_convention=Convention.INCLUSIVE,
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


def _content(view: View, sheet: Sheet) -> None:
    """Messages stand under the names of older conventions; the raw copy alone keeps them as the provider does."""
    if view.name == RAW:
        _, fields = _raw_fields(view)
        sheet.put_input(each_message(printed(fields.get("messages", fields.get("input"))), "user"))
        sheet.put_output(each_message(printed(fields.get("choices", fields.get("content"))), "assistant"))
        sheet.put_tools(tool_definitions(printed(fields.get("tools"))))
        return
    calls = [_named_call(raw) for _, raw in view.flat("gen_ai.completion") if "function_call.name" in raw]
    answer = list(each_message(view.structured("gen_ai.output.messages"), "assistant")) if calls else []
    if answer and not any(part.type == "tool_call" for message in answer for part in message.parts):
        sheet.put_output((*answer[:-1], structs.replace(answer[-1], parts=(*answer[-1].parts, *calls))))


def _named_call(raw: Attributes) -> Part:
    """A call that stands beside the answer it belongs to: numbered by its place in that answer, without an id."""
    return call_part({"name": raw["function_call.name"], "arguments": raw.get("function_call.arguments")})


LITELLM = Dialect(
    id="litellm",
    title="LiteLLM",
    scopes=("litellm*",),
    families=frozenset({"litellm"}),
    detect=lambda view: "hidden_params" in view.attributes,
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy", "tl-legacy"),
    classes={
        FieldClass.CONTENT: ("hidden_params", "guardrail_response", "llm.openai.*", "llm.anthropic.*", "metadata.*"),
        FieldClass.IDENTIFIER: ("litellm.*", "metadata.usage_object", "guardrail_status", "guardrail_mode"),
        FieldClass.NAME: ("guardrail_name",),
    },
)
