"""OpenTelemetry GenAI semantic conventions, current names: attributes, details events and evaluation events."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reasons
from runs.kinds import Strength
from runs.messages import each_message
from runs.money import usd_of
from runs.parts import parts_of
from runs.sheet import Sheet, documents_of, tool_definitions
from runs.solver import Convention, RawUsage
from runs.values import count_of, flag_of, has_prefix, is_truncated, number_of, score_of, structured, text_of, texts_of
from runs.view import View
from spans.facts import Decision, Evaluation
from spans.fields import FieldClass
from spans.kinds import Evidence, SpanKind, Verdict
from spans.usage import ReportedCost
from spans.values import Attributes

DETAILS_EVENT = "gen_ai.client.inference.operation.details"
EVALUATION_EVENT = "gen_ai.evaluation.result"
EXCEPTION_EVENT = "gen_ai.client.operation.exception"

_SIGNS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.name",
    "gen_ai.agent.name",
    "gen_ai.workflow.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.evaluation.name",
)

_TEXTS = {
    "provider": ("gen_ai.provider.name",),
    "request_model": ("gen_ai.request.model", "gen_ai.llm.model"),
    "response_model": ("gen_ai.response.model",),
    "response_id": ("gen_ai.response.id",),
    "session_id": ("gen_ai.conversation.id",),
    "workflow": ("gen_ai.workflow.name",),
    "agent_id": ("gen_ai.agent.id",),
    "agent_name": ("gen_ai.agent.name",),
    "agent_version": ("gen_ai.agent.version",),
    "prompt_name": ("gen_ai.prompt.name",),
    "prompt_version": ("gen_ai.prompt.version",),
    "tool_name": ("gen_ai.tool.name",),
    "tool_call_id": ("gen_ai.tool.call.id", "gen_ai.tool.call_id"),
    "error_type": ("error.type",),
}
_LATE_TEXTS = {
    "session_id": ("session.id", "gen_ai.session.id", "gen_ai.agent.session_id", "copilot_chat.session_id"),
    "user_id": ("user.id", "enduser.id", "enduser.pseudo.id", "gen_ai.user", "gen_ai.request.user"),
}
_INPUT = ("gen_ai.usage.input_tokens",)
_CACHE_READ = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.prompt_tokens_details.cached_tokens")
_CACHE_WRITE = ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens")
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
    "gen_ai.usage.completion_tokens_details.reasoning_tokens",
)
_EXCLUSIVE_SCOPES = ("opentelemetry.instrumentation.botocore", "opentelemetry.instrumentation.bedrock")
"""These pass the provider's own input count on, and Bedrock counts cached tokens beside it."""

PARAMS = {
    "temperature": "gen_ai.request.temperature",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_completion_tokens",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "stop_sequences": "gen_ai.request.stop_sequences",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "repetition_penalty": "gen_ai.request.repetition_penalty",
    "seed": "gen_ai.request.seed",
    "choice_count": "gen_ai.request.choice.count",
    "n": "gen_ai.request.n",
    "reasoning_level": "gen_ai.request.reasoning.level",
    "reasoning_effort": "gen_ai.request.reasoning_effort",
    "output_type": "gen_ai.output.type",
    "encoding_formats": "gen_ai.request.encoding_formats",
    "service_tier": "openai.response.service_tier",
    "requested_service_tier": "openai.request.service_tier",
    "api_type": "openai.api.type",
    "structured_output_schema": "gen_ai.request.structured_output_schema",
    "previous_response_id": "gen_ai.request.previous_response.id",
}
_REFS = (
    "gen_ai.input.messages_ref",
    "gen_ai.output.messages_ref",
    "gen_ai.system_instructions_ref",
    "gen_ai.tool.definitions_ref",
)


def _detect(view: View) -> bool:
    if view.is_log and view.name in {DETAILS_EVENT, EVALUATION_EVENT, EXCEPTION_EVENT}:
        return True
    if "gen_ai" not in view.families:
        return False
    return any(key in view.attributes for key in _SIGNS)


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.take(attributes, _TEXTS)
    draft.take(attributes, _LATE_TEXTS)
    draft.guess_value(view.text("gen_ai.operation.name"), Strength.OPERATION, "gen_ai.operation.name")
    _agents_sdk_approval(view, draft)
    guess_by_presence(view, draft)
    draft.count(usage_of(view))
    usd = usd_of(attributes.get("gen_ai.usage.cost"))
    if usd is not None and draft.cost is None:  # no convention yet; gateways and agents instrumented by hand write it
        draft.cost = ReportedCost(usd, "gen_ai.usage.cost")
    draft.finish_reasons = draft.finish_reasons or finish_reasons(
        texts_of(attributes.get("gen_ai.response.finish_reasons"))
        or texts_of(attributes.get("gen_ai.response.finish_reason"))
        or texts_of(attributes.get("gen_ai.response.stop_reason"))
    )
    _streaming(view, draft)
    _evaluation(view, draft)
    if view.text("gen_ai.tool.status").lower() == "error":
        draft.tool_failed = True
    if view.is_log:
        draft.fold = {DETAILS_EVENT: "details", EVALUATION_EVENT: "evaluation", EXCEPTION_EVENT: "exception"}.get(
            view.name, draft.fold
        )
        draft.put("error_type", attributes.get("exception.type"))
        draft.put("error_message", attributes.get("exception.message"))


def _agents_sdk_approval(view: View, draft: Draft) -> None:
    """The OpenAI Agents SDK ends a call that waits for approval without a result and without an error."""
    waits = "gen_ai.tool.call.result" not in view.attributes and not view.is_error
    if waits and view.scope.endswith("openai_agents") and view.name.startswith("execute_tool "):
        draft.decisions.append(Decision(Verdict.REQUIRE_APPROVAL, by="human", evidence=Evidence.DERIVED))


def guess_by_presence(view: View, draft: Draft) -> None:
    """Section 5.4: what the mere presence of keys tells, for any instrumentation."""
    attributes = view.attributes
    families = view.families
    if "gen_ai.tool.name" in attributes or "gen_ai.tool.call.id" in attributes or "tool_arguments" in attributes:
        draft.guess(SpanKind.TOOL, Strength.PRESENCE, "tool keys")
    if "reranker" in families:
        draft.guess(SpanKind.RERANKER, Strength.PRESENCE, "reranker keys")
    if "embedding" in families:
        draft.guess(SpanKind.EMBEDDING, Strength.PRESENCE, "embedding keys")
    if has_prefix(attributes, "gen_ai.retrieval.", "db.vector.query."):
        draft.guess(SpanKind.RETRIEVAL, Strength.PRESENCE, "retrieval keys")
    if "guard" in families or has_prefix(attributes, "guardrail_", "gen_ai.guardrail.", "gen_ai.security."):
        draft.guess(SpanKind.GUARDRAIL, Strength.PRESENCE, "guardrail keys")
    named = "gen_ai.request.model" in attributes or "gen_ai.response.model" in attributes
    spoke = (
        "gen_ai.usage.input_tokens" in attributes
        or "gen_ai.usage.prompt_tokens" in attributes
        or "gen_ai.input.messages" in attributes
        or "gen_ai.output.messages" in attributes
        or "gen_ai.response.finish_reasons" in attributes
        or has_prefix(attributes, "gen_ai.prompt.")
    )
    if named and spoke:
        draft.guess(SpanKind.MODEL, Strength.PRESENCE, "model and usage, messages or finish reasons")


def usage_of(view: View) -> RawUsage:
    """Counts under current names; each number from one key only (dialects reference, section 4.7.1)."""
    attributes = view.attributes

    def count(*keys: str) -> int | None:
        for key in keys:
            if key in attributes:
                found = count_of(attributes[key])
                if found is not None:
                    return found
        return None

    convention = Convention.UNKNOWN
    if view.scope.startswith(_EXCLUSIVE_SCOPES):
        convention = Convention.EXCLUSIVE
    elif "gen_ai.provider.name" in attributes:
        convention = Convention.INCLUSIVE
    return RawUsage(
        input=count(*_INPUT),
        output=count("gen_ai.usage.output_tokens"),
        total=count("gen_ai.usage.total_tokens"),
        cache_read=count(*_CACHE_READ),
        cache_write=count(*_CACHE_WRITE),
        cache_write_1h=count(
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
            "gen_ai.usage.cache_creation.input_tokens.ephemeral_1h",
        ),
        reasoning=count(*_REASONING),
        input_audio=count("gen_ai.usage.audio.input_tokens", "gen_ai.usage.audio_input_tokens"),
        output_audio=count("gen_ai.usage.audio.output_tokens", "gen_ai.usage.audio_output_tokens"),
        input_convention=convention,
        output_convention=Convention.INCLUSIVE if convention is Convention.INCLUSIVE else Convention.UNKNOWN,
    )


_SECONDS = ("gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk")


def _streaming(view: View, draft: Draft) -> None:
    attributes = view.attributes
    for key in _SECONDS:
        seconds = number_of(attributes.get(key))
        if draft.ttft_ns is None and seconds is not None:
            draft.ttft_ns = round(seconds * 1e9)
    server = number_of(attributes.get("gen_ai.server.time_to_first_token"))
    if draft.ttft_ns is None and server is not None:
        draft.ttft_ns = _server_ttft(view, server)
    if flag_of(attributes.get("gen_ai.request.stream")):
        draft.is_stream = True


def _server_ttft(view: View, given: float) -> int | None:
    """Three units are in the wild: by scope, else big whole numbers are milliseconds (section 4.22)."""
    if view.scope.startswith("strands") or (
        given > 60 and given == int(given) and not view.scope.startswith("openlit")
    ):
        found = round(given * 1e6)
    else:
        found = round(given * 1e9)
    return found if not view.end_ns or found <= max(0, view.end_ns - view.start_ns) else None


def _evaluation(view: View, draft: Draft) -> None:
    if "gen_ai.evaluation.name" in view.attributes:
        draft.evaluations.append(evaluation_of(view.attributes))
    draft.evaluations.extend(evaluation_of(event.attributes) for event in view.events if event.name == EVALUATION_EVENT)


def evaluation_of(attributes: Attributes) -> Evaluation:
    """One evaluation under the names of the convention (dialects reference, section 4.23)."""
    return Evaluation(
        name=text_of(attributes.get("gen_ai.evaluation.name")),
        score=score_of(attributes.get("gen_ai.evaluation.score.value")),
        label=text_of(attributes.get("gen_ai.evaluation.score.label")),
        explanation=text_of(attributes.get("gen_ai.evaluation.explanation"))[:300],
    )


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    _transcript(view, sheet)
    sheet.put("tool_arguments", structured(attributes.get("gen_ai.tool.call.arguments")))
    sheet.put("tool_result", structured(attributes.get("gen_ai.tool.call.result")))
    sheet.put_text("tool_description", attributes.get("gen_ai.tool.description"))
    sheet.put_text("tool_type", attributes.get("gen_ai.tool.type"))
    sheet.put_text("retrieval_query", attributes.get("gen_ai.retrieval.query.text"))
    if "gen_ai.retrieval.documents" in attributes:
        sheet.put_documents("documents", documents_of(view.structured("gen_ai.retrieval.documents")))
    for name, key in PARAMS.items():
        sheet.param(name, attributes.get(key))
    for name, key in (("name", "gen_ai.prompt.name"), ("version", "gen_ai.prompt.version")):
        if key in attributes:
            sheet.prompt.setdefault(name, attributes[key])


def _transcript(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    for key in ("gen_ai.input.messages", "gen_ai.output.messages"):
        sheet.note_state(attributes.get(key))
        if is_truncated(attributes.get(key)):
            sheet.parse_errors.append(key)
        if flag_of(attributes.get(f"{key}.truncated")):
            sheet.states.add("truncated")
    if any(key in attributes for key in _REFS):
        sheet.states.add("external")
    if "gen_ai.input.messages" in attributes:
        sheet.put_input(each_message(view.structured("gen_ai.input.messages"), "user"))
    if "gen_ai.output.messages" in attributes:
        sheet.put_output(each_message(view.structured("gen_ai.output.messages"), "assistant"))
    if "gen_ai.system_instructions" in attributes:
        sheet.put_system(parts_of(view.structured("gen_ai.system_instructions")))
    if "gen_ai.tool.definitions" in attributes:
        sheet.put_tools(tool_definitions(view.structured("gen_ai.tool.definitions")))


OTEL = Dialect(
    id="otel",
    title="OpenTelemetry GenAI",
    detect=_detect,
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: (
            "gen_ai.input.messages*",
            "gen_ai.output.messages*",
            "gen_ai.system_instructions*",
            "gen_ai.tool.definitions*",
            "gen_ai.tool.call.arguments",
            "gen_ai.tool.call.result",
            "gen_ai.tool.description",
            "gen_ai.agent.description",
            "gen_ai.retrieval.query.text",
            "gen_ai.retrieval.documents",
            "gen_ai.prompt.variable.*",
            "gen_ai.evaluation.explanation",
            "gen_ai.memory.*",
            "gen_ai.task.input",
            "gen_ai.task.output",
            "gen_ai.guardrail.input",
            "gen_ai.guardrail.output",
            "gen_ai.request.structured_output_schema",
            "gen_ai.request.extra_body",
        ),
        FieldClass.IDENTITY: ("gen_ai.user", "gen_ai.request.user"),
        FieldClass.NAME: (
            "gen_ai.tool.name",
            "gen_ai.agent.name",
            "gen_ai.workflow.name",
            "gen_ai.prompt.name",
            "gen_ai.evaluation.name",
            "gen_ai.data_source.id",
            "gen_ai.task.name",
            "gen_ai.guardrail.name",
        ),
        FieldClass.IDENTIFIER: (
            "gen_ai.*",
            "openai.*",
        ),
    },
)
