"""Haystack with its OpenTelemetry connector: `haystack.*`, usage only inside the JSON of replies."""

from __future__ import annotations

from collections.abc import Sequence

from runs.decisions import verdict_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reasons
from runs.kinds import Strength
from runs.messages import each_message, messages_of
from runs.rawusage import usage_in
from runs.sheet import Sheet, documents_of, tool_definitions
from runs.values import as_map, dig, flag_of, text_of
from runs.view import View
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind
from spans.values import Value

_STEPS = {
    "haystack.pipeline.run": (SpanKind.WORKFLOW, "pipeline"),
    "haystack.async_pipeline.run": (SpanKind.WORKFLOW, "pipeline"),
    "haystack.agent.run": (SpanKind.AGENT, ""),
    "haystack.agent.step": (SpanKind.WORKFLOW, "step"),
    "haystack.agent.step.llm": (SpanKind.MODEL, ""),
    "haystack.chat_generator.run": (SpanKind.MODEL, ""),
    "haystack.agent.step.tool": (SpanKind.TOOL, ""),
    "haystack.agent.hook.human_in_the_loop.strategy": (SpanKind.GUARDRAIL, "human_approval"),
}
_SUFFIXES = (
    ("Generator", SpanKind.MODEL, ""),
    ("Retriever", SpanKind.RETRIEVAL, ""),
    ("WebSearch", SpanKind.RETRIEVAL, ""),
    ("Embedder", SpanKind.EMBEDDING, ""),
    ("Ranker", SpanKind.RERANKER, ""),
    ("Evaluator", SpanKind.EVALUATOR, ""),
    ("ToolInvoker", SpanKind.TOOL, ""),
    ("Agent", SpanKind.AGENT, ""),
    ("Router", SpanKind.WORKFLOW, "router"),
    ("Builder", SpanKind.WORKFLOW, "builder"),
    ("Parser", SpanKind.WORKFLOW, "parser"),
    ("Writer", SpanKind.WORKFLOW, "writer"),
)
_MAKERS = (("OpenAI", "openai"), ("Azure", "azure.openai"), ("Anthropic", "anthropic"), ("Google", "google.gemini"),
           ("AmazonBedrock", "aws.bedrock"), ("Mistral", "mistral"), ("Cohere", "cohere"), ("Ollama", "ollama"))  # fmt: skip
_OUTPUTS = ("haystack.agent.step.llm.output", "haystack.component.output")
_INPUTS = ("haystack.agent.step.llm.input", "haystack.component.input")


def _kind(view: View) -> tuple[SpanKind, str] | None:
    component = view.text("haystack.component.type")
    if component:
        return next(
            ((kind, sub) for suffix, kind, sub in _SUFFIXES if component.endswith(suffix)),
            (SpanKind.WORKFLOW, "component"),
        )
    return _STEPS.get(view.name)


def _facts(view: View, draft: Draft) -> None:
    found = _kind(view)
    if found is not None:
        draft.guess(found[0], Strength.NAME, "haystack span name or component type", found[1])
    attributes = view.attributes
    component = view.text("haystack.component.type")
    draft.put("provider", next((name for start, name in _MAKERS if component.startswith(start)), ""))
    if found is not None and found[0] is SpanKind.MODEL:
        meta = _meta(view)
        draft.put("request_model", dig(meta, "model"))
        draft.put("response_id", dig(meta, "id"))
        draft.count(usage_in(dig(meta, "usage")))
        draft.finish_reasons = draft.finish_reasons or finish_reasons((text_of(dig(meta, "finish_reason")),))
    elif found is not None and found[0] is SpanKind.AGENT:
        draft.put("agent_name", attributes.get("haystack.component.name"))
    draft.take(attributes, {"tool_name": ("haystack.tool.name",), "tool_call_id": ("haystack.tool.call.id",)})
    if flag_of(attributes.get("haystack.tool.error")):
        draft.tool_failed = True
        draft.put("error_message", dig(view.structured("haystack.agent.step.tool.output"), "error"))
    verdict = verdict_of(view.text("haystack.agent.hook.human_in_the_loop.strategy.decision"))
    if verdict is not None:
        draft.decisions.append(
            Decision(
                verdict,
                by="human",
                subject_ref=view.text("haystack.tool.call.id"),
                rule=view.text("haystack.tool.name"),
            )
        )


def _meta(view: View) -> Value:
    for key in _OUTPUTS:
        if key in view.attributes:
            output = view.structured(key)
            found = dig(output, "replies", 0, "meta") or dig(output, "meta", 0) or dig(output, "meta")
            if found:
                return found
    return None


def _content(view: View, sheet: Sheet) -> None:
    found = _kind(view)
    kind = found[0] if found else SpanKind.OTHER
    given = next((view.structured(key) for key in _INPUTS if key in view.attributes), None)
    made = next((view.structured(key) for key in _OUTPUTS if key in view.attributes), None)
    if kind is SpanKind.MODEL:
        sheet.put_input(each_message(dig(given, "messages") or dig(given, "prompt") or given, "user"))
        sheet.put_output(each_message(dig(made, "replies") or made, "assistant"))
        sheet.put_tools(tool_definitions(_tools(dig(given, "tools"))))
    elif kind is SpanKind.TOOL:
        sheet.put("tool_arguments", view.structured("haystack.agent.step.tool.input"))
        sheet.put("tool_result", view.structured("haystack.agent.step.tool.output"))
        sheet.put_text("tool_description", view.attributes.get("haystack.tool.description"))
    elif kind is SpanKind.RETRIEVAL:
        sheet.put_text("retrieval_query", text_of(dig(given, "query")))
        sheet.put_documents("documents", documents_of(dig(made, "documents")))
    elif kind is SpanKind.AGENT:
        agent_in, agent_out = view.structured("haystack.agent.input"), view.structured("haystack.agent.output")
        messages = dig(agent_in, "messages") if agent_in is not None else dig(given, "messages")
        sheet.put_input(each_message(messages, "user"))
        said = messages_of(dig(agent_out if agent_out is not None else made, "messages"), "assistant")
        sheet.put_output(said[-1:])
        sheet.put_tools(tool_definitions(_tools(view.structured("haystack.agent.tools"))))
    for side, value in (("input", given), ("output", made)):
        sheet.put(side, value)
    for side, key in (("input", "haystack.pipeline.input_data"), ("output", "haystack.pipeline.output_data")):
        sheet.put(side, view.structured(key))


def _tools(raw: Value) -> Value:
    """Serialised tools keep their definition under `data`."""
    if isinstance(raw, Sequence) and not isinstance(raw, str):
        return [as_map(item).get("data") or item for item in raw]
    return raw


HAYSTACK = Dialect(
    id="haystack",
    title="Haystack",
    scopes=("haystack",),
    families=frozenset({"haystack"}),
    detect=lambda view: view.name.startswith("haystack."),
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: (
            "haystack.agent.input",
            "haystack.agent.output",
            "haystack.agent.tools",
            "haystack.agent.state_schema",
            "haystack.agent.step.*",
            "haystack.component.input*",
            "haystack.component.output*",
            "haystack.pipeline.input_data",
            "haystack.pipeline.output_data",
            "haystack.tool.description",
        ),
        FieldClass.NAME: ("haystack.tool.name", "haystack.component.name"),
        FieldClass.IDENTIFIER: ("haystack.*",),
    },
)
