"""A run as a person reads it: system, user, assistant, tool calls with arguments and results, nothing said twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from msgspec import structs

from spans.canonical import content_digest
from spans.content import Document, Message, Part, SpanContent
from spans.facts import Decision
from spans.kinds import SpanKind, ToolOutcome, UsageRole
from spans.run import Step
from spans.values import Value
from web.format import plural
from web.waterfall import step_name, step_state

_COMPARED_CALLS = 12
"""Earlier calls of a run against which a call's history is compared."""
_TOOLS_NAMED = 4
EMPTY = SpanContent()
_BY_PLACE = "~"
"""Begins the ids that were made here; no sender's id is compared with them."""


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
    changes: tuple[str, ...] = ()
    """What was put differently to the model than in the call before: not what came in, which stands above."""
    repeats: bool = False
    """What it holds stands just above already: documents inside the tool that returned them."""
    is_short: bool = False
    """Its texts were cut because the turn alone was too much for a page; all of it is in the JSON of the step."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of a run; `state` says why there may be none: shown, absent, withheld, expired, external."""

    turns: tuple[Turn, ...]
    state: str
    cut: int = 0
    """Turns left out because there were too many."""


@dataclass(frozen=True, slots=True)
class _Card:
    """A tool call with everything known of it, from its own step or from the messages around it."""

    step: Step
    call_id: str
    arguments: Value
    result: Value


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one call of a model was given: marks of the system prompt and of the messages, names of the tools."""

    system: str
    tools: tuple[str, ...]
    messages: tuple[str, ...]


@dataclass(slots=True)
class _Memory:
    """What there is to tell, and what has been told."""

    cards: dict[str, _Card]
    """By span id."""
    by_call: dict[str, _Card]
    """By call id."""
    names: dict[str, str]
    """Tool names by call id, for results that come without one."""
    histories: list[tuple[str, ...]] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    """Marks of messages, and of the parts of answers."""
    systems: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    """Span ids of tool cards that stand already."""
    asked: dict[tuple[str, int], _Asked] = field(default_factory=dict)
    """The newest call of every agent at every depth."""


def build_conversation(
    steps: Sequence[Step],
    contents: Mapping[str, SpanContent],
    *,
    most: int | None = 400,
    unread: int = 0,
    remembered: int = 0,
) -> Conversation:
    """Tell the steps of a run in order.

    Args:
        steps: The steps in stored order.
        contents: Their content by span id; missing ones are steps without stored content.
        most: Turns told at most; None tells all of them, to be cut into parts (`web.conversation_parts`).
        unread: Steps of the run that are not among `steps`.
        remembered: So many of the first steps are only remembered, not told: a part of a long run begins where the
            part before ended, and says nothing twice.
    """
    contents = _numbered(_answered_later(steps, _fullest(steps, contents)))
    ran = {s.tool_call_id for s in steps if s.counted and s.tool_call_id}
    shown = [s for s in steps if _is_told(s) or (_waits(s) and s.tool_call_id not in ran)]
    asked, results = _calls(shown, contents)
    cards = _cards(shown, contents, asked, results)
    memory = _Memory(
        {c.step.span_id: c for c in cards},
        {c.call_id: c for c in cards if c.call_id},
        {call_id: part.name for call_id, part in asked.items()},
    )
    turns: list[Turn] = []
    answered: set[str] = set()
    known = {step.span_id for step in steps[:remembered]}
    # A call that only a later message tells of stands where that message stands, even when its model call comes after it.
    told_of = {c.step.span_id for c in cards if "synthetic" in c.step.flags and c.call_id in results}
    for step in [s for s in shown if s.span_id not in told_of] + [s for s in shown if s.span_id in told_of]:
        for turn in _turns(step, contents.get(step.span_id, EMPTY), memory):
            if step.span_id in known:
                continue
            inside = turn.kind == "retrieval" and step.parent_span_id in answered
            turns.append(replace(turn, repeats=True) if inside else turn)
            if turn.kind == "tool" and turn.has_result:
                answered.add(turn.span_id)
    if not remembered and not any(t.kind == "message" for t in turns):
        turns = [*_outer_input(steps, contents), *turns, *_outer_output(steps, contents)]
    shown_turns = tuple(turns[:most])
    return Conversation(shown_turns, _state(steps, turns), len(turns) - len(shown_turns) + unread)


def _is_told(step: Step) -> bool:
    return "noise" not in step.flags and step.usage_role is not UsageRole.DUPLICATE and step.counted


def _waits(step: Step) -> bool:
    """A call that did not run counts for nothing, but somebody asked for it."""
    return (
        step.kind is SpanKind.TOOL
        and "noise" not in step.flags
        and step.duplicate_of is None
        and step.tool_outcome in {ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED}
    )


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


def _answered_later(steps: Sequence[Step], contents: Mapping[str, SpanContent]) -> Mapping[str, SpanContent]:
    """An answer of which nothing was recorded is taken from the history that a later call was given."""
    calls = [s for s in steps if s.kind is SpanKind.MODEL and s.span_id in contents]
    found = dict(contents)
    for number, step in enumerate(calls):
        own = contents[step.span_id]
        if not own.input_messages or any(_is_said(p) for m in own.output_messages for p in m.parts):
            continue
        asked = [_mark(m) for m in own.input_messages]
        for later in calls[number + 1 : number + 1 + _COMPARED_CALLS]:
            history = contents[later.span_id].input_messages
            answer = history[len(asked)] if len(history) > len(asked) else None
            if answer and answer.role == "assistant" and [_mark(m) for m in history[: len(asked)]] == asked:
                found[step.span_id] = structs.replace(own, output_messages=(answer,))
                break
    return found


def _is_said(part: Part) -> bool:
    return part.type != "text" or bool(part.content)


def _numbered(contents: Mapping[str, SpanContent]) -> Mapping[str, SpanContent]:
    """Calls and results that came without an id get one from their place: the third `search` of a history is the third."""
    return {
        span_id: _with_ids(content) if any(map(_lacks_id, _parts(content))) else content
        for span_id, content in contents.items()
    }


def _parts(content: SpanContent) -> Iterable[Part]:
    return (part for message in (*content.input_messages, *content.output_messages) for part in message.parts)


def _lacks_id(part: Part) -> bool:
    return part.type in {"tool_call", "tool_result"} and not part.id and bool(part.name)


def _with_ids(content: SpanContent) -> SpanContent:
    seen: Counter[tuple[str, str]] = Counter()

    def numbered(part: Part) -> Part:
        if not _lacks_id(part):
            return part
        seen[part.type, part.name] += 1
        return structs.replace(part, id=f"{_BY_PLACE}{part.name}~{seen[part.type, part.name]}")

    def told(messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return tuple(structs.replace(m, parts=tuple(numbered(p) for p in m.parts)) for m in messages)

    asked = told(content.input_messages)
    return structs.replace(content, input_messages=asked, output_messages=told(content.output_messages))


def _says(content: SpanContent) -> bool:
    return bool(
        content.input_messages
        or content.output_messages
        or content.tool_arguments is not None
        or content.tool_result is not None
    )


def _calls(steps: Sequence[Step], contents: Mapping[str, SpanContent]) -> tuple[Mapping[str, Part], Mapping[str, Part]]:
    """The calls that models asked for, and the results that came back to them, by call id."""
    asked: dict[str, Part] = {}
    results: dict[str, Part] = {}
    for step in steps:
        content = contents.get(step.span_id, EMPTY)
        for message in (*content.input_messages, *content.output_messages):
            for part in message.parts:
                if part.id and part.type == "tool_call":
                    asked.setdefault(part.id, part)
                elif part.id and part.type == "tool_result":
                    results.setdefault(part.id, part)
    return asked, results


def _cards(
    steps: Sequence[Step],
    contents: Mapping[str, SpanContent],
    asked: Mapping[str, Part],
    results: Mapping[str, Part],
) -> list[_Card]:
    """Tool steps with what the messages add; a step without a call id takes the next unclaimed call of its name."""
    tools = [s for s in steps if s.kind is SpanKind.TOOL]
    free = {i: p.name for i, p in asked.items() if i not in {s.tool_call_id for s in tools}}
    cards = []
    for step in tools:
        call_id = step.tool_call_id or next((i for i, name in free.items() if name == step.tool_name), "")
        free.pop(call_id, None)
        own, call, result = contents.get(step.span_id, EMPTY), asked.get(call_id), results.get(call_id)
        arguments = own.tool_arguments
        if arguments is None and call is not None:
            arguments = call.arguments if call.arguments is not None else call.arguments_raw or None
        answer = own.tool_result
        if answer is None and result is not None:
            answer = result.content
        cards.append(_Card(step, call_id, arguments, answer))
    return cards


def _turns(step: Step, content: SpanContent, memory: _Memory) -> Iterable[Turn]:
    if step.kind is SpanKind.MODEL:
        yield from _model(step, content, memory)
    elif step.kind is SpanKind.TOOL:
        if step.span_id not in memory.told:
            yield _tool(memory.cards[step.span_id], memory)
    elif step.kind in {SpanKind.RETRIEVAL, SpanKind.RERANKER}:
        yield _retrieval(step, content)
    elif step.decisions or step.kind is SpanKind.GUARDRAIL:
        yield _check(step)


def _model(step: Step, content: SpanContent, memory: _Memory) -> Iterable[Turn]:
    before = len(memory.said) + len(memory.systems)
    if content.system and not _known_system(content.system, memory):
        yield Turn("message", "system", step.span_id, parts=content.system, start_ns=step.start_ns, depth=step.depth)
    for message in _unseen(content.input_messages, memory):
        yield from _told_results(message, memory)
        parts = _new_parts(message, memory)
        if parts and not (message.role == "system" and _known_system(parts, memory)):
            yield Turn(
                "message", message.role, step.span_id, message.name, parts, start_ns=step.start_ns, depth=step.depth
            )
    is_news = before != len(memory.said) + len(memory.systems)
    changes = _changes(step, content, memory)
    for turn in _answers(step, content.output_messages, memory, is_news=is_news):
        yield replace(turn, changes=changes)
        changes = ()


def _changes(step: Step, content: SpanContent, memory: _Memory) -> tuple[str, ...]:
    """What this call was given that its agent's call before was not; empty when the two share no message."""
    if not content.input_messages:
        return ()
    system = content_digest([_plain(p) for p in content.system]) if content.system else ""
    now = _Asked(system, tuple(t.name for t in content.tool_definitions), memory.histories[-1])
    key = (step.agent_name, step.depth)
    past, memory.asked[key] = memory.asked.get(key), now
    if past is None or not set(past.messages) & set(now.messages):
        return ()
    found = []
    if past.system and system and past.system != system:
        found.append("the system prompt is another one")
    if past.tools and now.tools:
        fresh, gone = ([t for t in a if t not in b] for a, b in ((now.tools, past.tools), (past.tools, now.tools)))
        found += [f"{_named(fresh)} offered"] if fresh else []
        found += [f"{_named(gone)} no longer offered"] if gone else []
    if left := len(set(past.messages) - set(now.messages)):
        found.append(f"{plural(left, 'earlier message')} left the context")
    return tuple(found)


def _named(tools: Sequence[str]) -> str:
    """`the tool search is`, or how many when they are many."""
    if len(tools) > _TOOLS_NAMED:
        return f"{len(tools)} tools are"
    return f"the tool {tools[0]} is" if len(tools) == 1 else f"the tools {', '.join(tools)} are"


def _told_results(message: Message, memory: _Memory) -> Iterable[Turn]:
    """Where a result comes back to the model, its card stands, if its own step did not bring it before."""
    for part in message.parts:
        card = memory.by_call.get(part.id) if part.type == "tool_result" else None
        if card is not None and card.step.span_id not in memory.told:
            yield _tool(card, memory)


def _new_parts(message: Message, memory: _Memory) -> tuple[Part, ...]:
    """The parts of a history message that nothing above shows already."""
    kept = []
    for part in message.parts:
        if part.type == "tool_result" and part.id in memory.by_call and _is_told_by(part, memory.by_call[part.id]):
            continue
        if message.role == "assistant" and _part_mark(part) in memory.said:
            continue
        if part.type == "tool_result" and not part.name and part.id in memory.names:
            kept.append(structs.replace(part, name=memory.names[part.id]))
        else:
            kept.append(_named_only(part, memory))
    return tuple(kept)


def _is_told_by(part: Part, card: _Card) -> bool:
    """Whether a card shows this result; an id that was only counted may belong to another call of the same name."""
    return not part.id.startswith(_BY_PLACE) or card.result == part.content


def _answers(step: Step, output: tuple[Message, ...], memory: _Memory, *, is_news: bool) -> Iterable[Turn]:
    glyph, word = step_state(step)
    shared = Turn(
        kind="message",
        role="assistant",
        span_id=step.span_id,
        title=step_name(step),
        glyph=glyph,
        word=word,
        start_ns=step.start_ns,
        duration_ns=step.duration_ns,
        depth=step.depth,
        agent=step.agent_name,
    )
    cost = step.cost.usd if step.cost and step.usage_role is UsageRole.OWN else None
    for index, message in enumerate(output):
        memory.said.add(_mark(message))
        memory.said.update(_part_mark(p) for p in message.parts)
        last = index == len(output) - 1
        yield replace(
            shared,
            role=message.role or "assistant",
            parts=tuple(_named_only(p, memory) for p in message.parts),
            error=step.error_message if last and glyph == "error" else "",
            cost_usd=cost if last else None,
            tokens=_tokens(step) if last else None,
            finish=message.finish_reason,
        )
    if not output and (glyph != "ok" or not is_news):
        yield replace(shared, kind="call", error=step.error_message, cost_usd=cost, tokens=_tokens(step))


def _named_only(part: Part, memory: _Memory) -> Part:
    """A call that has a card is only named in the answer that asked for it."""
    if part.type == "tool_call" and part.id in memory.by_call:
        return Part("tool_call", id=part.id, name=part.name, raw="told")
    return part


def _part_mark(part: Part) -> str:
    return content_digest(["part", _plain(part)])


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


def _tool(card: _Card, memory: _Memory) -> Turn:
    step = card.step
    memory.told.add(step.span_id)
    glyph, word = step_state(step)
    return Turn(
        kind="tool",
        role="tool",
        span_id=step.span_id,
        title=step.tool_name or step.name,
        arguments=card.arguments,
        has_arguments=card.arguments is not None,
        result=card.result,
        has_result=card.result is not None,
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
