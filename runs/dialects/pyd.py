"""Pydantic AI, all versions of its instrumentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import message_of, messages_of
from runs.money import usd_of
from runs.sheet import Sheet, tool_definitions
from runs.solver import RawUsage
from runs.values import as_list, as_map, count_of, dig, structured, text_of
from runs.view import View
from spans.content import Message
from spans.facts import Decision
from spans.fields import FieldClass
from spans.kinds import SpanKind, Verdict
from spans.usage import ReportedCost
from spans.values import Value


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    name = view.name
    if name == "agent run" or name.startswith("invoke_agent"):
        draft.guess(SpanKind.AGENT, Strength.NAME, "Pydantic AI span name")
        draft.put("request_model", attributes.get("model_name"))
        draft.usage_hint = "rollup"
        draft.count(
            RawUsage(
                input=count_of(attributes.get("gen_ai.aggregated_usage.input_tokens")),
                output=count_of(attributes.get("gen_ai.aggregated_usage.output_tokens")),
                cache_read=count_of(attributes.get("gen_ai.aggregated_usage.cache_read.input_tokens")),
                cache_write=count_of(attributes.get("gen_ai.aggregated_usage.cache_creation.input_tokens")),
            )
        )
    elif name == "running tools" or (name.startswith("running ") and name.endswith(" tools")):
        draft.guess(SpanKind.WORKFLOW, Strength.NAME, "Pydantic AI span name", "tools")
    elif name.startswith(("running tool", "execute_tool")):
        draft.guess(SpanKind.TOOL, Strength.NAME, "Pydantic AI span name")
    elif name.startswith("chat "):
        draft.guess(SpanKind.MODEL, Strength.NAME, "Pydantic AI span name")
    draft.put("agent_name", attributes.get("agent_name"))
    _cost(view, draft)
    if view.text("pydantic_ai.tool.deferral.name") == "ApprovalRequired":
        draft.decisions.append(Decision(Verdict.REQUIRE_APPROVAL, by="human", rule=view.text("gen_ai.tool.name")))
    if view.text("pydantic_ai.tool.failure_stage") == "validation":
        draft.tool_failed = True
        draft.put("error_type", "ValidationError")
    _retry(view, draft)


def _retry(view: View, draft: Draft) -> None:
    """A tool that asks the model to try again with better arguments did not accept the ones it got."""
    for event in view.events:
        kind = text_of(event.attributes.get("exception.type")).rpartition(".")[2]
        if event.name == "exception" and kind == "ToolRetryError":
            draft.tool_failed = True


def _cost(view: View, draft: Draft) -> None:
    usd = usd_of(view.attributes.get("operation.cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "operation.cost")


def _content(view: View, sheet: Sheet) -> None:
    attributes = view.attributes
    if "events" in attributes:
        given, made = _split(as_list(attributes["events"]))
        sheet.put_input(given)
        sheet.put_output(made)
    history = attributes.get("pydantic_ai.all_messages")
    if history is not None:
        _run(messages_of(history, "user"), count_of(attributes.get("pydantic_ai.new_message_index")) or 0, sheet)
    elif "all_messages_events" in attributes:
        given, made = _split(as_list(attributes["all_messages_events"]))
        _run((*given, *made), 0, sheet)
    sheet.put("output", attributes.get("final_result"))
    sheet.put("tool_arguments", structured(attributes.get("tool_arguments")))
    sheet.put("tool_result", structured(attributes.get("tool_response")))
    if "model_request_parameters" in attributes:
        sheet.put_tools(tool_definitions(dig(attributes["model_request_parameters"], "function_tools")))


def _split(events: Sequence[Value]) -> tuple[list[Message], list[Message]]:
    """Messages of the first instrumentation version: one list of events in one attribute."""
    given: list[Message] = []
    made: list[Message] = []
    for raw in events:
        if not isinstance(raw, Mapping):
            continue
        if raw.get("event.name") == "gen_ai.choice":
            made.append(message_of({"role": "assistant", **as_map(raw.get("message"))}, "assistant"))
        else:
            given.append(message_of(raw, "user"))
    return given, made


def _run(messages: Sequence[Message], new_from: int, sheet: Sheet) -> None:
    """The whole history of an agent's run: what the model said last is its output."""
    own = list(messages[new_from:]) or list(messages)
    last = max((i for i, message in enumerate(own) if message.role == "assistant"), default=None)
    if last is None:
        sheet.put_input(messages)
        return
    sheet.put_input([message for message in messages if message is not own[last]])
    sheet.put_output([own[last]])


PYDANTIC_AI = Dialect(
    id="pyd",
    title="Pydantic AI",
    scopes=("pydantic-ai",),
    families=frozenset({"pydantic_ai"}),
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy", "logfire"),
    classes={
        FieldClass.CONTENT: (
            "events",
            "all_messages_events",
            "final_result",
            "tool_arguments",
            "tool_response",
            "model_request_parameters",
            "pydantic_ai.all_messages",
            "pydantic_ai.tool.deferral.metadata",
            "raw_input",
        ),
        FieldClass.NAME: ("agent_name",),
        FieldClass.IDENTIFIER: ("pydantic_ai.*", "model_name", "operation.cost"),
    },
)
