"""What recorded traffic does not tell: every check that cannot pass, why, and a proof read from the payload itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spans.clean import CleanSpan
from spans.span import StatusCode
from tests.runs.scoring import Capture, words_in

Facts = dict[str, Any]
Proof = Callable[[Capture, Facts], bool]


@dataclass(frozen=True)
class Miss:
    """One explained miss. `proof` holds as long as the explanation does."""

    why: str
    proof: Proof


def payload_text(capture: Capture) -> str:
    """Every value of a capture, as text."""
    spans = (
        f"{item.span.name} {item.span.status_message} {dict(item.span.attributes)} "
        f"{[dict(event.attributes) for event in item.span.events]}"
        for item in capture.spans
    )
    logs = (f"{item.log.body} {dict(item.log.attributes)}" for item in capture.logs)
    return " ".join((*spans, *logs))


def answers_not_sent(count: int) -> Proof:
    """This many final answers have no word of four letters, or most of their words occur nowhere in the payload."""

    def proof(capture: Capture, facts: Facts) -> bool:
        have = words_in(payload_text(capture))
        finals = [words_in(run["final_output"]) for run in facts["runs"] if run.get("final_output")]
        return sum(1 for final in finals if not final or len(final & have) < 0.8 * len(final)) == count

    return proof


def tools_of(capture: Capture, name: str) -> Iterator[CleanSpan]:
    for item in capture.spans:
        if name in {item.span.attributes.get(key) for key in ("gen_ai.tool.name", "tool.name")}:
            yield item


def _looks(item: CleanSpan) -> tuple[object, ...]:
    """What a span says beside its ids and times."""
    said = {key: str(value) for key, value in item.span.attributes.items() if not key.endswith("id")}
    return item.span.name, item.span.status_code, item.span.status_message, tuple(sorted(said.items()))


def _adk_denied_calls_look_done(capture: Capture, _facts: Facts) -> bool:
    spans = list(tools_of(capture, "execute_refund"))
    return len(spans) == 2 and all(
        item.span.status_code is StatusCode.UNSET and not item.span.events and "error.type" not in item.span.attributes
        for item in spans
    )


def _adk_rejected_and_failed_calls_look_alike(capture: Capture, _facts: Facts) -> bool:
    failed = [item for item in tools_of(capture, "check_inventory") if item.span.status_code is StatusCode.ERROR]
    return len(failed) == 3 and len({_looks(item) for item in failed}) == 1


def _resumed_runs_are_missing(capture: Capture, facts: Facts) -> bool:
    calls = sum(len(run["model_calls"]) for run in facts["runs"])
    sent = sum(item.span.attributes.get("openinference.span.kind") == "LLM" for item in capture.spans)
    traces = {item.span.trace_id for item in capture.spans}
    return (
        sent < calls - 1
        and len(traces) == len(facts["runs"])
        and "account CUST-4471 deleted" not in payload_text(capture)
    )


def _reasons_are_redacted_by_the_sdk(capture: Capture, _facts: Facts) -> bool:
    failed = [item for item in tools_of(capture, "execute_refund") if item.span.status_code is StatusCode.ERROR]
    return len(failed) == 2 and all("Error details are redacted" in item.span.status_message for item in failed)


def _rejected_and_failed_calls_read_the_same(capture: Capture, _facts: Facts) -> bool:
    failed = [item for item in tools_of(capture, "check_inventory") if item.span.status_code is StatusCode.ERROR]
    said = {(item.span.status_message, item.span.attributes.get("gen_ai.tool.call.result")) for item in failed}
    return len(failed) == 3 and len(said) == 1 and not any("schema" in str(item.span.attributes) for item in failed)


def _usage_is_invented(capture: Capture, facts: Facts) -> bool:
    """The program wrote observations with usage by hand; its model server was never asked."""
    (made_up,) = [run for run in facts["runs"] if run["scenario"] == "manual_generation"]
    hand_made = [item for item in capture.spans if item.span.name in {"gen", "embed"}]
    return not made_up["model_calls"] and all(
        "langfuse.observation.usage_details" in i.span.attributes for i in hand_made
    )


def _aborted_stream_has_no_usage(capture: Capture, facts: Facts) -> bool:
    (aborted,) = [run for run in facts["runs"] if run["scenario"] == "abort"]
    (call,) = aborted["model_calls"]
    spans = [
        item.span.attributes for item in capture.spans if item.span.attributes.get("gen_ai.operation.name") == "chat"
    ]
    carried = sum(int(str(one.get("gen_ai.usage.input_tokens") or 0)) for one in spans)
    whole = sum(
        (one["usage"] or {}).get("input") or 0 for run in facts["runs"] for one in run["model_calls"] if one["usage"]
    )
    embedded = sum(
        (one["usage"] or {}).get("input") or 0
        for run in facts["runs"]
        for one in run["model_calls"]
        if one["usage"] and "embedding" in one["model"]
    )
    return carried == whole - embedded - call["usage"]["input"]


def _ids_of_calls_and_results_differ(capture: Capture, _facts: Facts) -> bool:
    """The asking side writes the item's id (`fc_…`), the answering side the call's (`call_…`)."""
    asked, answered = set(), set()
    for item in capture.spans:
        for key, found, kind in (
            ("gen_ai.output.messages", asked, "tool_call"),
            ("gen_ai.input.messages", answered, "tool_call_response"),
        ):
            for message in json.loads(str(item.span.attributes.get(key) or "[]")):
                found |= {part["id"] for part in message["parts"] if part["type"] == kind}
    return bool(asked and answered) and not asked & answered


def _a_node_calls_the_tool_as_a_function(capture: Capture, facts: Facts) -> bool:
    """The graph's node runs `lookup_customer` itself: no span, no message of that run knows the name."""
    (graph,) = [run for run in facts["runs"] if run["scenario"] == "graph"]
    roots = {item.span.trace_id for item in capture.spans if "howto_graph" in item.span.name}
    inside = Capture(capture.name, tuple(item for item in capture.spans if item.span.trace_id in roots), ())
    return (
        bool(inside.spans)
        and [call["name"] for call in graph["tool_calls"]] == ["lookup_customer"]
        and not any("lookup_customer" in f"{item.span.name} {dict(item.span.attributes)}" for item in inside.spans)
    )


NO_WORD = 'the answer "391 = 17 x 23." has no word of four letters to look for'
OFF = "content is off by default, and no attribute, event or log holds the answers"
RESUMED = "the run that resumed after the approval was never exported"
REDACTED = 'the SDK replaces the reason by "Error details are redacted"'

MISSES: dict[str, dict[str, Miss]] = {
    "anthropic-sdk__builtin": {"final_outputs": Miss(OFF, answers_not_sent(13))},
    "anthropic-sdk__openinference": {"final_outputs": Miss(NO_WORD, answers_not_sent(2))},
    "anthropic-sdk__otel-genai": {"final_outputs": Miss(NO_WORD, answers_not_sent(2))},
    "autogen__native": {
        "final_outputs": Miss(
            "agents and tools carry no content; only what a team's agents tell each other is on the bus, and is shown",
            answers_not_sent(7),
        )
    },
    "google-adk__native": {
        "final_outputs": Miss(OFF, answers_not_sent(10)),
        "denials": Miss("a call that a callback vetoed ends like one that ran", _adk_denied_calls_look_done),
        "tool_calls": Miss(
            "two calls with rejected arguments look like one that ran and failed (error.type TOOL_ERROR, nothing else)",
            _adk_rejected_and_failed_calls_look_alike,
        ),
    },
    "langfuse__sdk": {
        "tokens_input": Miss("one run reports usage of calls that it made up", _usage_is_invented),
        "tokens_output": Miss("one run reports usage of calls that it made up", _usage_is_invented),
        "model_calls": Miss("one run reports usage of calls that it made up", _usage_is_invented),
        "final_outputs": Miss('the answer "ok" has no word of four letters to look for', answers_not_sent(1)),
    },
    **{
        key: {
            "tool_calls": Miss(
                "a node of the graph calls one tool as a plain function, which leaves no span",
                _a_node_calls_the_tool_as_a_function,
            )
        }
        for key in (
            "langchain-anthropic__openinference-grpc",
            "langchain__langsmith-otel",
            "langchain__openinference",
            "langchain__openllmetry",
        )
    },
    "openai-agents__openinference": {
        "model_calls": Miss(RESUMED, _resumed_runs_are_missing),
        "tool_calls": Miss(RESUMED, _resumed_runs_are_missing),
        "final_outputs": Miss(RESUMED, answers_not_sent(2)),
        "denials": Miss(REDACTED, _reasons_are_redacted_by_the_sdk),
    },
    "openai-agents__otel-genai": {
        "final_outputs": Miss(
            "no model spans and no answers; the words of three answers occur in tool results only", answers_not_sent(9)
        ),
        "denials": Miss(REDACTED, _reasons_are_redacted_by_the_sdk),
        "tool_calls": Miss(
            "four calls with rejected arguments read like real failures, and the tools' schemas are not sent",
            _rejected_and_failed_calls_read_the_same,
        ),
    },
    "openai-responses__openllmetry-grpc": {
        "tool_names": Miss(
            "calls and results carry ids of two kinds, in traces that share nothing: results have no name",
            _ids_of_calls_and_results_differ,
        )
    },
    "plain-otel__gen-ai-latest": {
        "final_outputs": Miss('one answer is "ok", the other ("rejected") occurs nowhere', answers_not_sent(2))
    },
    "vercel-ai-7__modern-http-json": {
        "tokens_input": Miss("the aborted stream's span carries no usage", _aborted_stream_has_no_usage),
        "tokens_output": Miss("the aborted stream's span carries no usage", _aborted_stream_has_no_usage),
    },
}
"""Capture → check → why it cannot pass."""
