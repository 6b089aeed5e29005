"""The Replay tab: a recorded run played step by step; nothing is executed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from replay.ancestry import Ancestry
from replay.outline import Branch, ExchangeKind, Moment
from replay.recording import exchange_name
from spans.content import Message, Part, SpanContent, ToolDefinition
from spans.facts import AskedCall, Decision
from spans.ids import SpanId
from spans.kinds import SpanKind, UsageRole
from spans.run import Run, Step
from web.format import NBSP, duration, plural
from web.json_tree import Node, json_tree
from web.pages.run_head import RunHead
from web.places import Place
from web.waterfall import KIND_NAMES, step_detail, step_name, step_state

MAX_ROWS = 4_000
"""Steps listed at most; longer runs are walked by key, link and scrubber."""
MAX_BLOCKS = 500
"""Blocks of the scrubber; more steps share blocks, and the worst of them shows."""
MAX_LANES = 8
MAX_INDENT = 8
_LEAST = 0.35
"""Percent of the scrubber below which a block could not be hit."""
_SEVERITY = {"ok": 0, "running": 1, "waiting": 2, "error": 3, "denied": 4}
KINDS: Mapping[ExchangeKind, str] = {
    ExchangeKind.MODEL: "model",
    ExchangeKind.TOOL: "tool",
    ExchangeKind.RETRIEVAL: "retrieval",
    ExchangeKind.EMBEDDING: "retrieval",
    ExchangeKind.RERANKER: "retrieval",
    ExchangeKind.GUARDRAIL: "guardrail",
    ExchangeKind.HUMAN: "human",
}
"""The colour family of each kind."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One branch as a line of its own."""

    index: int
    name: str
    """Empty for the main line."""
    steps: int


@dataclass(frozen=True, slots=True)
class Head:
    """Something that asked nothing itself, above the steps inside it: an agent, a node, a chain."""

    name: str
    kind: str
    kind_word: str
    indent: int
    href: str
    """Where it can be looked at: the timeline."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step in the list and what the keyboard needs to know of it."""

    heads: tuple[Head, ...]
    """What playing enters here."""
    indent: int
    number: int
    href: str
    kind: str
    kind_word: str
    name: str
    detail: str
    glyph: str
    word: str
    lane: int
    lane_name: str
    """Told where the lane changes."""
    duration_ns: int
    span_id: str


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the scrubber, in percent of its width."""

    number: int
    last: int
    lane: int
    x: float
    width: float
    kind: str
    glyph: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Tape:
    """A run's outline, prepared once for every step of it."""

    run: Run
    moments: tuple[Moment, ...]
    asked: Mapping[SpanId, Sequence[AskedCall]]
    lanes: tuple[Lane, ...]
    lane_of: Mapping[Branch, int]
    costs: tuple[Decimal, ...]
    """Cost up to and with each step."""
    tokens: tuple[tuple[int, int], ...]
    decisions: tuple[int, ...]
    denials: tuple[int, ...]
    by_span: Mapping[SpanId, int]
    """Step number of each span that is an exchange."""
    starts: tuple[int, ...]
    above: Mapping[SpanId, tuple[Step, ...]]
    """What each exchange stands in, the outermost first: the tree of the run, without plumbing and what is played later."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one message did to the context since the model was asked before. `sign`: +, -, or empty for a count."""

    sign: str
    words: str
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class StateNow:
    """The run at this step."""

    elapsed_ns: int
    total_ns: int
    cost: Decimal
    cost_total: Decimal
    tokens_in: int
    tokens_out: int
    decisions: int
    denials: int
    open_calls: tuple[tuple[str, str], ...]
    """Tools asked for and not answered yet: name and step that asked."""
    documents: tuple[tuple[str, str, str], ...]
    """Documents in context: what returned them, how many, and a link."""
    conversation: tuple[Message, ...]
    conversation_of: int
    """The step whose model call saw it; 0 before the first."""
    conversation_href: str
    tools: tuple[ToolDefinition, ...]
    answered_now: bool
    """Whether the last message is this very step's answer."""


@dataclass(frozen=True, slots=True)
class MomentPage:
    """One step: Asked, Answered, Changed, and the state of the run around it."""

    number: int
    total: int
    span_id: str
    kind: str
    kind_word: str
    name: str
    glyph: str
    word: str
    agent: str
    branch: str
    ordinal: int
    started_ns: int
    duration_ns: int
    system: tuple[Part, ...]
    earlier: int
    """Messages above those shown, seen by the model before."""
    messages: tuple[Message, ...]
    answer: tuple[Message, ...]
    arguments: Node | None
    has_arguments: bool
    result: object
    has_result: bool
    query: str
    documents: tuple[object, ...]
    inputs: tuple[str, ...]
    error_type: str
    error_message: str
    decisions: tuple[Decision, ...]
    changes: tuple[Change, ...]
    changed_since: int
    """Number of the step this one is compared with; 0 when there is none."""
    changed_href: str
    seen_at: int
    """For a tool: the model call that first saw its result."""
    seen_href: str
    state: StateNow
    content_state: str
    here_href: str
    timeline_href: str
    json_href: str
    previous_href: str
    next_href: str


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """The whole tab."""

    run_id: str
    head: RunHead
    tabs: tuple[tuple[str, str, bool], ...]
    lanes: tuple[Lane, ...]
    rows: tuple[Row, ...]
    hidden_rows: int
    blocks: tuple[Block, ...]
    moment: MomentPage | None
    total: int
    badge: str
    reasons: tuple[str, ...]
    proof_href: str
    share_href: str
    part_path: str
    page_path: str
    compare_href: str


def build_tape(
    run: Run,
    moments: tuple[Moment, ...],
    asked: Mapping[SpanId, Sequence[AskedCall]],
    steps: Iterable[Step] = (),
) -> Tape:
    """Prepare an outline: lanes, and running totals so that any step is told at once. `steps`: the whole tree."""
    branches = dict.fromkeys(m.branch for m in moments)
    ordered = sorted(branches, key=lambda b: (b != (), next(m.number for m in moments if m.branch == b)))
    counts = {b: sum(1 for m in moments if m.branch == b) for b in ordered}
    lane_of = {b: min(i, MAX_LANES - 1) for i, b in enumerate(ordered)}
    cost, used, made, denied = Decimal(0), (0, 0), 0, 0
    costs, all_used, decisions, denials = [], [], [], []
    for moment in moments:
        step = moment.step
        if step.usage_role is UsageRole.OWN:
            cost += step.cost.usd if step.cost else Decimal(0)
            if step.usage:
                used = used[0] + (step.usage.input or 0), used[1] + (step.usage.output or 0)
        made += len(step.decisions)
        denied += 1 if step_state(step)[0] == "denied" else 0
        costs.append(cost)
        all_used.append(used)
        decisions.append(made)
        denials.append(denied)
    by_span = {s.span_id: m.number for m in moments for s in (m.step, *m.retold_by)}
    return Tape(
        run=run,
        moments=moments,
        asked=asked,
        lanes=tuple(Lane(i, " › ".join(b), counts[b]) for i, b in enumerate(ordered[:MAX_LANES])),  # noqa: RUF001
        lane_of=lane_of,
        costs=tuple(costs),
        tokens=tuple(all_used),
        decisions=tuple(decisions),
        denials=tuple(denials),
        by_span=by_span,
        starts=tuple(m.step.start_ns for m in moments),
        above=_above(moments, steps, by_span),
    )


def _above(
    moments: Sequence[Moment], steps: Iterable[Step], by_span: Mapping[SpanId, int]
) -> dict[SpanId, tuple[Step, ...]]:
    """The steps above each moment that a person sees; moments of one parent share them."""
    known = {step.span_id: step for step in steps}
    tree = Ancestry({span_id: step.parent_span_id for span_id, step in known.items()})
    found: dict[SpanId, tuple[Step, ...]] = {}
    path: tuple[SpanId, ...] = ()
    shown: tuple[Step, ...] = ()
    last = 0
    for moment in moments:
        above = tree.of(moment.step.span_id)
        if above is not path:
            path = above
            shown = tuple(s for s in map(known.__getitem__, path) if "noise" not in s.flags and s.duplicate_of is None)
            last = max((by_span.get(s.span_id, 0) for s in shown), default=0)
        # A call that only a later message tells of stands in that message's call, but is played before it.
        is_told_later = last >= moment.number
        found[moment.step.span_id] = (
            tuple(s for s in shown if by_span.get(s.span_id, 0) < moment.number) if is_told_later else shown
        )
    return found


def number_of(tape: Tape, raw_step: str, raw_span: str) -> int:
    """The step an address asks for: its number, else the step of a span or the one that ran when it began; else the first."""
    if raw_step.isascii() and raw_step.isdecimal() and len(raw_step) < 9:
        return max(1, min(int(raw_step), len(tape.moments)))
    return tape.by_span.get(SpanId(raw_span), 1)


def needed(tape: Tape, number: int) -> tuple[Moment, ...]:
    """The steps whose content a page of one step needs: itself, the model calls around it."""
    here = tape.moments[number - 1]
    asked = _model_before(tape, number, including=True)
    before = _model_before(tape, here.number if here.kind is ExchangeKind.MODEL else (asked.number if asked else 1))
    return tuple({m.number: m for m in (here, asked, before) if m is not None}.values())


def build_moment(place: Place, tape: Tape, number: int, contents: Mapping[SpanId, SpanContent]) -> MomentPage:
    """One step of the tape.

    Args:
        place: Where the page stands.
        tape: The prepared outline.
        number: The step, from 1.
        contents: The content of `needed(tape, number)`, second reports included.
    """
    here = tape.moments[number - 1]
    step, content = here.step, merged(here, contents)
    glyph, word = step_state(step)
    path = f"/runs/{tape.run.run_id}/replay"

    def href(to: int) -> str:
        return place.url(path, step=to) if 1 <= to <= len(tape.moments) else ""

    is_model = here.kind is ExchangeKind.MODEL
    before = _model_before(tape, number)
    past = merged(before, contents) if before is not None and is_model else None
    changes = _changes(past, content) if is_model else ()
    same = _common(past.input_messages, content.input_messages) if past is not None else 0
    seen = _seen_at(tape, here)
    return MomentPage(
        number=number,
        total=len(tape.moments),
        span_id=step.span_id,
        kind=KINDS[here.kind],
        kind_word=here.kind.value,
        name=exchange_name(step),
        glyph=glyph,
        word=word,
        agent=step.agent_name,
        branch=" › ".join(here.branch),  # noqa: RUF001 - the sign between the names of a path
        ordinal=here.ordinal,
        started_ns=step.start_ns,
        duration_ns=step.duration_ns,
        system=content.system if is_model else (),
        earlier=same,
        messages=_without_system(content.input_messages[same:], content.system) if is_model else (),
        answer=content.output_messages if is_model else (),
        arguments=None if content.tool_arguments is None else json_tree(content.tool_arguments, "", unfold=True),
        has_arguments=here.kind is ExchangeKind.TOOL,
        result=content.tool_result,
        has_result=here.kind is ExchangeKind.TOOL,
        query=content.retrieval_query or content.rerank_query,
        documents=tuple(content.documents or content.rerank_output),
        inputs=content.embedding_inputs,
        error_type=step.error_type,
        error_message="" if any(d.reason == step.error_message for d in step.decisions) else step.error_message,
        decisions=step.decisions,
        changes=changes,
        changed_since=before.number if past is not None and before else 0,
        changed_href=href(before.number) if past is not None and before else "",
        seen_at=seen,
        seen_href=href(seen),
        state=_state(tape, here, contents, href),
        content_state=step.content_state,
        here_href=href(number),
        timeline_href=place.url(f"/runs/{tape.run.run_id}", span=step.span_id),
        json_href=place.bare(f"/api/v1/runs/{tape.run.run_id}/spans/{step.span_id}", project=place.project),
        previous_href=href(number - 1),
        next_href=href(number + 1),
    )


def _without_system(messages: Sequence[Message], system: Sequence[Part]) -> tuple[Message, ...]:
    """Messages without the system prompt that stands above them already: some instrumentations tell it twice."""
    said = "".join(str(p.content) for p in system).strip()
    return tuple(
        m
        for m in messages
        if not said or m.role != "system" or "".join(str(p.content) for p in m.parts).strip() != said
    )


def merged(moment: Moment, contents: Mapping[SpanId, SpanContent]) -> SpanContent:
    """The content of a step, with what its own report lacks from second reports of the same call."""
    own = contents.get(moment.step.span_id, SpanContent())
    others = [contents[s.span_id] for s in moment.retold_by if s.span_id in contents]
    if not others:
        return own
    values = {}
    for name in SpanContent.__struct_fields__:
        value = getattr(own, name)
        if value is None or value in ((), "", {}):
            value = next((v for o in others if (v := getattr(o, name)) not in (None, (), "", {})), value)
        values[name] = value
    return SpanContent(**values)


def _model_before(tape: Tape, number: int, *, including: bool = False) -> Moment | None:
    """The newest model call of the same branch before a step (or at it)."""
    branch = tape.moments[number - 1].branch
    for moment in reversed(tape.moments[: number if including else number - 1]):
        if moment.branch == branch and moment.kind is ExchangeKind.MODEL:
            return moment
    return None


def _seen_at(tape: Tape, here: Moment) -> int:
    """The next model call of the branch, which is given what a tool or a retrieval answered."""
    if here.kind is ExchangeKind.MODEL:
        return 0
    later = tape.moments[here.number :]
    return next((m.number for m in later if m.branch == here.branch and m.kind is ExchangeKind.MODEL), 0)


def _common(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many messages at the start the model had been given before, the newest one always left to show."""
    same = 0
    while same < min(len(before), len(now) - 1) and _bare(before[same]) == _bare(now[same]):
        same += 1
    return same


def _bare(message: Message) -> tuple[object, ...]:
    return message.role, message.parts


def _changes(past: SpanContent | None, now: SpanContent) -> tuple[Change, ...]:
    """What was put into the context, taken out of it, or changed in it, since the model was asked before."""
    if past is None:
        return ()
    found: list[Change] = []
    if past.system != now.system:
        found.append(Change("±", "the system prompt is another one"))
    old, new = [t.name for t in past.tool_definitions], [t.name for t in now.tool_definitions]
    found += [Change("+", f"tool {name} is offered") for name in new if name not in old]
    found += [Change("-", f"tool {name} is no longer offered") for name in old if name not in new]
    known = [(*past.input_messages, *past.output_messages), now.input_messages]
    before, after = ([_bare(m) for m in messages] for messages in known)
    gone = [m for m in known[0] if _bare(m) not in after]
    fresh = [m for m in known[1] if _bare(m) not in before]
    if gone and _is_truncation(before, after, gone):
        found.append(Change("-", f"{plural(len(gone), 'message')} dropped from the start: the context was truncated"))
    else:
        found += [Change("-", f"{m.role} message left the context", m) for m in gone if m not in past.output_messages]
    found += [Change("+", f"{m.role} message came in", m) for m in fresh]
    kept = len(after) - len(fresh)
    if kept:
        found.append(Change("", f"{plural(kept, 'message')} unchanged"))
    return tuple(found)


def _is_truncation(before: Sequence[object], after: Sequence[object], gone: Sequence[Message]) -> bool:
    """Whether what is gone stood together at the start, behind at most one kept message."""
    places = [before.index(_bare(m)) for m in gone]
    return (
        bool(after) and places == list(range(places[0], places[0] + len(places))) and places[0] <= 1 and len(gone) > 1
    )


def _state(tape: Tape, here: Moment, contents: Mapping[SpanId, SpanContent], link: Callable[[int], str]) -> StateNow:
    index = here.number - 1
    first = tape.starts[0] if tape.starts else 0
    ends = max((m.step.start_ns + m.step.duration_ns for m in tape.moments), default=first)
    model = _model_before(tape, here.number, including=True)
    content = merged(model, contents) if model else SpanContent()
    answered = model is not None and model.number == here.number
    return StateNow(
        elapsed_ns=max(0, here.step.start_ns + max(0, here.step.duration_ns) - first),
        total_ns=max(0, ends - first),
        cost=tape.costs[index],
        cost_total=tape.costs[-1],
        tokens_in=tape.tokens[index][0],
        tokens_out=tape.tokens[index][1],
        decisions=tape.decisions[index],
        denials=tape.denials[index],
        open_calls=tuple((name, link(number)) for name, number in _open_calls(tape, here)),
        documents=tuple(
            (exchange_name(m.step), plural(m.step.documents or 0, "document"), link(m.number))
            for m in tape.moments[: here.number]
            if m.branch == here.branch and m.kind in {ExchangeKind.RETRIEVAL, ExchangeKind.RERANKER}
        )[-6:],
        conversation=(*content.input_messages, *content.output_messages),
        conversation_of=model.number if model else 0,
        conversation_href=link(model.number) if model else "",
        tools=content.tool_definitions,
        answered_now=answered,
    )


def _open_calls(tape: Tape, here: Moment) -> list[tuple[str, int]]:
    """Tool calls that were asked for up to this step and had not been answered when it ended."""
    answered = {
        m.step.tool_call_id: m.number for m in tape.moments if m.kind is ExchangeKind.TOOL and m.step.tool_call_id
    }
    found = []
    for moment in tape.moments[: here.number]:
        for span in (moment.step, *moment.retold_by):
            for call in tape.asked.get(span.span_id, ()):
                done = answered.get(call.call_id)
                if call.call_id and (done is None or done > here.number) and (call.name, moment.number) not in found:
                    found.append((call.name, moment.number))
    return found[-8:]


def build_rows(place: Place, tape: Tape, around: int) -> tuple[tuple[Row, ...], int]:
    """The list of steps; of very long runs the part around one step. Also how many are left out."""
    total = len(tape.moments)
    start = 0 if total <= MAX_ROWS else max(0, min(around - MAX_ROWS // 2, total - MAX_ROWS))
    path = f"/runs/{tape.run.run_id}/replay"
    rows = []
    lane = -1
    before: tuple[Step, ...] = ()
    for moment in tape.moments[start : start + MAX_ROWS]:
        glyph, word = step_state(moment.step)
        mine = tape.lane_of[moment.branch]
        above = tape.above[moment.step.span_id]
        heads = _heads(place, tape, before, above)
        before = above
        name = tape.lanes[mine].name if mine != lane and mine < len(tape.lanes) and not heads else ""
        lane = mine
        rows.append(
            Row(
                heads=heads,
                indent=min(len(above), MAX_INDENT),
                number=moment.number,
                href=place.url(path, step=moment.number),
                kind=KINDS[moment.kind],
                kind_word=moment.kind.value,
                name=exchange_name(moment.step),
                detail=step_detail(moment.step) if moment.step.kind is not SpanKind.MODEL else "",
                glyph=glyph,
                word=word,
                lane=mine,
                lane_name=name,
                duration_ns=moment.step.duration_ns,
                span_id=moment.step.span_id,
            )
        )
    return tuple(rows), total - len(rows)


def _heads(place: Place, tape: Tape, before: Sequence[Step], above: Sequence[Step]) -> tuple[Head, ...]:
    """What is entered between one step and the next; steps that are played have a row of their own."""
    if before is above:
        return ()
    same = 0
    while same < min(len(before), len(above)) and before[same].span_id == above[same].span_id:
        same += 1
    return tuple(
        Head(
            name=step_name(step),
            kind=KIND_NAMES[step.kind],
            kind_word=step.kind.value,
            indent=min(depth, MAX_INDENT),
            href=place.url(f"/runs/{tape.run.run_id}", span=step.span_id),
        )
        for depth, step in enumerate(above[same:], same)
        if step.span_id not in tape.by_span
    )


def build_blocks(place: Place, tape: Tape) -> tuple[Block, ...]:
    """The scrubber: playing order from left to right, width by duration, a lane per branch, the worst always visible."""
    total = len(tape.moments)
    if not total:
        return ()
    length = max(1, sum(max(0, m.step.duration_ns) for m in tape.moments))
    size = -(-total // MAX_BLOCKS)
    least = min(_LEAST, 60.0 / total)
    weights = [max(least, 100.0 * max(0, m.step.duration_ns) / length) for m in tape.moments]
    scale = 100.0 / sum(weights)
    path = f"/runs/{tape.run.run_id}/replay"
    blocks: list[Block] = []
    x = 0.0
    for first in range(0, total, size):
        some = tape.moments[first : first + size]
        width = sum(weights[first : first + size]) * scale
        worst = max(some, key=lambda m: (_SEVERITY.get(step_state(m.step)[0], 0), m.step.duration_ns))
        glyph, word = step_state(worst.step)
        name = exchange_name(worst.step)
        words = f"{worst.number}{NBSP}{name}, {duration(worst.step.duration_ns)}" + (
            "" if word == "ok" else f", {word}"
        )
        blocks.append(
            Block(
                number=worst.number,
                last=some[-1].number,
                lane=tape.lane_of[worst.branch],
                x=round(x, 3),
                width=round(width, 3),
                kind=KINDS[worst.kind],
                glyph=glyph,
                words=words if len(some) == 1 else f"steps {some[0].number} to {some[-1].number}: {words}",
                href=place.url(path, step=worst.number),
            )
        )
        x += width
    return tuple(blocks)


def build_replay(
    place: Place,
    tape: Tape,
    head: RunHead,
    moment: MomentPage | None,
    reasons: tuple[str, ...],
    *,
    may_share: bool,
) -> ReplayPage:
    """The whole tab."""
    run = tape.run
    base = f"/runs/{run.run_id}"
    number = moment.number if moment else 1
    rows, hidden = build_rows(place, tape, number)
    span = moment.span_id if moment else None
    return ReplayPage(
        run_id=run.run_id,
        head=head,
        tabs=(
            ("Timeline", place.url(base, span=span), False),
            ("Conversation", place.url(f"{base}/conversation", span=span), False),
            ("Replay", place.url(f"{base}/replay", step=number), True),
        ),
        lanes=tape.lanes,
        rows=rows,
        hidden_rows=hidden,
        blocks=build_blocks(place, tape),
        moment=moment,
        total=len(tape.moments),
        badge=run.replayability.value,
        reasons=reasons,
        proof_href=place.url(f"{base}/proof"),
        share_href=place.url(f"{base}/share") if may_share else "",
        part_path=place.bare(f"{base}/replay/step"),
        page_path=place.bare(f"{base}/replay"),
        compare_href=place.url(f"{base}/compare"),
    )
