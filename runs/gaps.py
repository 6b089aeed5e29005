"""What a recording lacks although its messages were sent: history, tool schemas, a system prompt, an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from runs.node import MODEL_KINDS, Node
from spans.content import SpanContent
from spans.kinds import SpanKind

PROVIDER_STATE = "provider_state"
"""The call goes on from messages that were not sent with it."""
TOOL_SCHEMAS_MISSING = "tool_schemas_missing"
"""The answer calls a tool whose definition was not sent."""
SYSTEM_PROMPT_MISSING = "system_prompt_missing"
"""The agent has instructions, and its call of the model was sent without them."""
UNORDERED_SIBLINGS = "unordered_siblings"
"""It began at the very moment another step beside it began, and nothing else tells which was first."""

ANSWER_INCOMPLETE = "answer_incomplete"
"""The answer ended with a tool call that was not sent with it."""

MOST_OFFERED = 128
"""Facts hold no more names of offered tools."""
_STATE_PARAMS = ("previous_response_id", "conversation")
_EXCHANGES = MODEL_KINDS | {SpanKind.TOOL, SpanKind.RETRIEVAL}


def is_continued(kind: SpanKind, content: SpanContent) -> bool:
    """Whether a model call goes on from messages that were not sent with it."""
    if kind is not SpanKind.MODEL:
        return False
    return any(content.params.get(name) for name in _STATE_PARAMS) or _has_unasked_results(content)


def _has_unasked_results(content: SpanContent) -> bool:
    """Results in the input that no call in the same input asked for.

    Where ids of calls and results are written in two ways, there are as many calls without a result as the other way round.
    """
    parts = [part for message in content.input_messages for part in message.parts]
    asked = {part.id for part in parts if part.type == "tool_call" and part.id}
    told = {part.id for part in parts if part.type == "tool_result" and part.id}
    unnamed = sum(1 for part in parts if part.type == "tool_call" and not part.id)
    return len(told - asked) > len(asked - told) + unnamed


def mark_gaps(nodes: Sequence[Node]) -> None:
    """Flags that need the neighbourhood; `nodes` are all steps of the run, linked."""
    for node in nodes:
        if node.kind is SpanKind.MODEL:
            _mark_model_call(node)
    _mark_ties(nodes)


def _mark_model_call(node: Node) -> None:
    facts = node.facts
    if len(facts.tools_offered) < MOST_OFFERED and not {call.name for call in facts.asked} <= set(facts.tools_offered):
        node.mark(TOOL_SCHEMAS_MISSING)
    if "tool_call" in facts.finish_reasons and facts.has_output and not facts.asked:
        node.mark(ANSWER_INCOMPLETE)
    if facts.has_input and not facts.has_system:
        agent = next((above for above in node.ancestors() if above.kind is SpanKind.AGENT), None)
        if agent is not None and agent.facts.has_system:
            node.mark(SYSTEM_PROMPT_MISSING)


def _mark_ties(nodes: Sequence[Node]) -> None:
    """Calls of one answer have their order from it, whenever they began."""
    asked = [call for node in nodes for call in node.facts.asked]
    by_id, by_arguments = {call.call_id for call in asked}, {(call.name, call.arguments_hash) for call in asked}
    together: dict[tuple[Node | None, int], list[Node]] = defaultdict(list)
    for node in nodes:
        if node.counted and node.kind in _EXCHANGES and node.facts.start_ns and "synthetic" not in node.flags:
            together[node.parent, node.facts.start_ns].append(node)
    for tied in together.values():
        unplaced = [
            node
            for node in tied
            if node.kind is not SpanKind.TOOL
            or not (node.call_id in by_id if node.call_id else (node.tool_name, node.arguments_hash) in by_arguments)
        ]
        if len(tied) > 1 and unplaced:
            for node in tied:
                node.mark(UNORDERED_SIBLINGS)
