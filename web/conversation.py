"""A run as a person reads it: system, user, assistant, tool calls with arguments and results, nothing said twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from spans.canonical import content_digest
from spans.content import Document, Message, Part, SpanContent
from spans.facts import Decision
from spans.kinds import SpanKind, UsageRole
from spans.run import Step
from spans.values import Value
from web.waterfall import step_name, step_state

_COMPARED_CALLS = 12
"""Earlier calls of a run against which a call's history is compared."""
EMPTY = SpanContent()


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said or done. `kind`: message, tool, retrieval, check, call (a model call of which nothing is known)."""

    kind: str
    role: str
    span_id: str
    title: str = ""
    parts: tuple[Part, ...] = ()
    arguments: Value = None
    has_arguments: bool = False
    result: Value = None
    has_result: bool = False
    query: str = ""
    documents: tuple[Document, ...] = ()
    decisions: tuple[Decision, ...] = ()
    glyph: str = "ok"
    word: str = ""
    error: str = ""
    start_ns: int = 0
    duration_ns: int = 0
    cost_usd: Decimal | None = None
    tokens: tuple[int, int] | None = None
    finish: str = ""
    depth: int = 0
    agent: str = ""
    repeats: bool = False
    """What it holds stands just above already: documents inside the tool that returned them."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of a run; `state` says why there may be none: shown, absent, withheld, expired, external."""

    turns: tuple[Turn, ...]
    state: str
    cut: int = 0
    """Turns left out because there were too many."""


@dataclass(slots=True)
class _Memory:
    """What has been shown already."""

    histories: list[tuple[str, ...]] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    systems: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    """Call ids whose result stands on a tool card."""


def build_conversation(
    steps: Sequence[Step], contents: Mapping[str, SpanContent], *, most: int = 400, unread: int = 0
) -> Conversation:
    """Tell the steps of a run in order.

    Args:
        steps: The steps in stored order.
        contents: Their content by span id; missing ones are steps without stored content.
        most: Turns told at most.
        unread: Steps of the run that are not among `steps`.
    """
    contents = _fullest(steps, contents)
    memory = _Memory(results=_results_on_cards(steps, contents))
    told_calls = {s.tool_call_id for s in steps if s.kind is SpanKind.TOOL and s.counted and s.tool_call_id}
    turns: list[Turn] = []
    cards: set[str] = set()
    for step in steps:
        if "noise" in step.flags or step.usage_role is UsageRole.DUPLICATE or not step.counted:
            continue
        for turn in _turns(step, contents.get(step.span_id, EMPTY), memory, told_calls):
            inside = turn.kind == "retrieval" and step.parent_span_id in cards
            turns.append(replace(turn, repeats=True) if inside else turn)
            if turn.kind == "tool" and turn.has_result:
                cards.add(step.span_id)
    if not any(t.kind == "message" for t in turns):
        turns = [*_outer_input(steps, contents), *turns, *_outer_output(steps, contents)]
    return Conversation(tuple(turns[:most]), _state(steps, turns), max(0, len(turns) - most) + unread)


def _fullest(steps: Sequence[Step], contents: Mapping[str, SpanContent]) -> Mapping[str, SpanContent]:
    """Of two reports of one call the counted one is told, with the other's text where only that one has any."""
    best = dict(contents)
    tools = {s.tool_call_id: s.span_id for s in steps if s.kind is SpanKind.TOOL and s.counted and s.tool_call_id}
    for step in steps:
        other = step.duplicate_of or (tools.get(step.tool_call_id) if step.tool_call_id and not step.counted else None)
        if other is None or other == step.span_id:
            continue
        told, spare = best.get(other, EMPTY), best.get(step.span_id, EMPTY)
        if not _says(told) and _says(spare):
            best[other] = spare
    return best


def _says(content: SpanContent) -> bool:
    return bool(
        content.input_messages
        or content.output_messages
        or content.tool_arguments is not None
        or content.tool_result is not None
    )


def _results_on_cards(steps: Iterable[Step], contents: Mapping[str, SpanContent]) -> set[str]:
    return {
        s.tool_call_id
        for s in steps
        if s.kind is SpanKind.TOOL
        and s.counted
        and s.tool_call_id
        and (contents.get(s.span_id, EMPTY).tool_result is not None or s.error_message)
    }


def _turns(step: Step, content: SpanContent, memory: _Memory, told_calls: set[str]) -> Iterable[Turn]:
    if step.kind is SpanKind.MODEL:
        yield from _model(step, content, memory, told_calls)
    elif step.kind is SpanKind.TOOL:
        yield _tool(step, content)
    elif step.kind in {SpanKind.RETRIEVAL, SpanKind.RERANKER}:
        yield _retrieval(step, content)
    elif step.decisions or step.kind is SpanKind.GUARDRAIL:
        yield _check(step)


def _model(step: Step, content: SpanContent, memory: _Memory, told_calls: set[str]) -> Iterable[Turn]:
    before = len(memory.said) + len(memory.systems)
    if content.system:
        mark = content_digest([_plain(p) for p in content.system])
        if mark not in memory.systems:
            memory.systems.add(mark)
            yield Turn(
                "message", "system", step.span_id, parts=content.system, start_ns=step.start_ns, depth=step.depth
            )
    for message in _unseen(content.input_messages, memory):
        parts = tuple(p for p in message.parts if not (p.type == "tool_result" and p.id in memory.results))
        if parts and not (message.role == "system" and _known_system(parts, memory)):
            yield Turn(
                "message", message.role, step.span_id, message.name, parts, start_ns=step.start_ns, depth=step.depth
            )
    glyph, word = step_state(step)
    output = content.output_messages
    for index, message in enumerate(output):
        memory.said.add(_mark(message))
        last = index == len(output) - 1
        yield Turn(
            kind="message",
            role=message.role or "assistant",
            span_id=step.span_id,
            title=step_name(step),
            parts=tuple(_with_told(p, told_calls) for p in message.parts),
            glyph=glyph,
            word=word,
            error=step.error_message if last and glyph == "error" else "",
            start_ns=step.start_ns,
            duration_ns=step.duration_ns,
            cost_usd=step.cost.usd if last and step.cost and step.usage_role is UsageRole.OWN else None,
            tokens=_tokens(step) if last else None,
            finish=message.finish_reason,
            depth=step.depth,
            agent=step.agent_name,
        )
    if not output and (glyph != "ok" or len(memory.said) + len(memory.systems) == before):
        yield Turn(
            kind="call",
            role="assistant",
            span_id=step.span_id,
            title=step_name(step),
            glyph=glyph,
            word=word,
            error=step.error_message,
            start_ns=step.start_ns,
            duration_ns=step.duration_ns,
            cost_usd=step.cost.usd if step.cost and step.usage_role is UsageRole.OWN else None,
            tokens=_tokens(step),
            depth=step.depth,
            agent=step.agent_name,
        )


def _with_told(part: Part, told_calls: set[str]) -> Part:
    """A call that stands on its own card below is only named in the answer that asked for it."""
    if part.type == "tool_call" and part.id in told_calls:
        return Part("tool_call", id=part.id, name=part.name, raw="told")
    return part


def _known_system(parts: tuple[Part, ...], memory: _Memory) -> bool:
    mark = content_digest([_plain(p) for p in parts])
    known = mark in memory.systems
    memory.systems.add(mark)
    return known


def _unseen(messages: tuple[Message, ...], memory: _Memory) -> Iterable[Message]:
    """The messages of a call that an earlier call of this run did not already have, in order."""
    marks = tuple(_mark(m) for m in messages)
    shared = max((_prefix(marks, old) for old in memory.histories[-_COMPARED_CALLS:]), default=0)
    memory.histories.append(marks)
    for message, mark in zip(messages[shared:], marks[shared:], strict=True):
        echoed = message.role == "assistant" and mark in memory.said
        memory.said.add(mark)
        if not echoed:
            yield message


def _prefix(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _mark(message: Message) -> str:
    """What makes a message the same message when it comes back as history; spelling of emptiness does not."""
    plain = [_plain(p) for p in message.parts if p.type != "reasoning" and (p.type != "text" or p.content)]
    return content_digest([message.role, *plain])


def _plain(part: Part) -> Value:
    if part.type == "tool_call":
        return ["tool_call", part.id or part.name]
    if part.type == "tool_result":
        return ["tool_result", part.id, part.content if isinstance(part.content, str) else content_digest(part.content)]
    return [part.type, part.content, part.uri]


def _tool(step: Step, content: SpanContent) -> Turn:
    glyph, word = step_state(step)
    return Turn(
        kind="tool",
        role="tool",
        span_id=step.span_id,
        title=step.tool_name or step.name,
        arguments=content.tool_arguments,
        has_arguments=content.tool_arguments is not None,
        result=content.tool_result,
        has_result=content.tool_result is not None,
        decisions=step.decisions,
        glyph=glyph,
        word=word,
        error="" if any(d.reason == step.error_message for d in step.decisions) else step.error_message,
        start_ns=step.start_ns,
        duration_ns=step.duration_ns,
        depth=step.depth,
        agent=step.agent_name,
    )


def _retrieval(step: Step, content: SpanContent) -> Turn:
    glyph, word = step_state(step)
    return Turn(
        kind="retrieval",
        role="retrieval",
        span_id=step.span_id,
        title=step.name,
        query=content.retrieval_query or content.rerank_query,
        documents=content.documents or content.rerank_output,
        glyph=glyph,
        word=word,
        error=step.error_message,
        start_ns=step.start_ns,
        duration_ns=step.duration_ns,
        depth=step.depth,
    )


def _check(step: Step) -> Turn:
    glyph, word = step_state(step)
    return Turn(
        kind="check",
        role="control",
        span_id=step.span_id,
        title=step.name,
        decisions=step.decisions,
        glyph=glyph,
        word=word,
        error=step.error_message,
        start_ns=step.start_ns,
        duration_ns=step.duration_ns,
        depth=step.depth,
    )


def _tokens(step: Step) -> tuple[int, int] | None:
    if step.usage is None or step.usage_role is not UsageRole.OWN:
        return None
    return (step.usage.input or 0, step.usage.output or 0)


def _outer(steps: Sequence[Step], contents: Mapping[str, SpanContent]) -> Iterable[tuple[Step, SpanContent]]:
    for step in steps:
        if step.kind in {SpanKind.AGENT, SpanKind.WORKFLOW, SpanKind.OTHER}:
            yield step, contents.get(step.span_id, EMPTY)


def _outer_input(steps: Sequence[Step], contents: Mapping[str, SpanContent]) -> list[Turn]:
    """Without any message, what the agent as a whole was given stands first."""
    for step, content in _outer(steps, contents):
        if content.input_messages:
            return [
                Turn("message", m.role, step.span_id, m.name, m.parts, start_ns=step.start_ns)
                for m in content.input_messages
            ]
        if content.input is not None:
            return [Turn("message", "user", step.span_id, parts=(_value_part(content.input),), start_ns=step.start_ns)]
    return []


def _outer_output(steps: Sequence[Step], contents: Mapping[str, SpanContent]) -> list[Turn]:
    for step, content in _outer(steps, contents):
        if content.output_messages:
            return [
                Turn("message", m.role, step.span_id, m.name, m.parts, start_ns=step.start_ns)
                for m in content.output_messages
            ]
        if content.output is not None:
            part = _value_part(content.output)
            return [Turn("message", "assistant", step.span_id, parts=(part,), start_ns=step.start_ns)]
    return []


def _value_part(value: Value) -> Part:
    return Part("text", content=value) if isinstance(value, str) else Part("other", raw=value)


def _state(steps: Sequence[Step], turns: Sequence[Turn]) -> str:
    if any(t.parts or t.has_arguments or t.has_result or t.documents for t in turns):
        return "shown"
    states = {s.content_state for s in steps}
    return next((s for s in ("withheld", "expired", "external") if s in states), "absent")
