"""The outline of a run: its exchanges in playing order, each with its branch and its ordinal there; needs no content."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from replay.ancestry import Ancestry
from spans.facts import AskedCall, SpanFacts
from spans.ids import SpanId
from spans.kinds import SpanKind
from spans.run import Step

Branch = tuple[str, ...]
"""Names from the outermost agent inwards, each with its occurrence, such as `("researcher#2",)`. The main line is `()`."""

Place = tuple[int, int, bool, int, str]
"""What steps are ordered by."""


class ExchangeKind(StrEnum):
    """What was asked for an answer."""

    MODEL = "model"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    EMBEDDING = "embedding"
    RERANKER = "reranker"
    GUARDRAIL = "guardrail"
    HUMAN = "human"


_KINDS: Final = {
    SpanKind.MODEL: ExchangeKind.MODEL,
    SpanKind.TOOL: ExchangeKind.TOOL,
    SpanKind.RETRIEVAL: ExchangeKind.RETRIEVAL,
    SpanKind.EMBEDDING: ExchangeKind.EMBEDDING,
    SpanKind.RERANKER: ExchangeKind.RERANKER,
    SpanKind.GUARDRAIL: ExchangeKind.GUARDRAIL,
}
_PLAIN: Final = frozenset({SpanKind.GUARDRAIL, SpanKind.OTHER, SpanKind.WORKFLOW})
"""Steps that may be a question to a person or a control: only their decisions tell."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One exchange in its place. `number` counts from 1 in playing order, `ordinal` from 1 within its branch."""

    number: int
    kind: ExchangeKind
    branch: Branch
    ordinal: int
    step: Step
    retold_by: tuple[Step, ...] = ()
    """Second reports of the same call; they lend what the counted one lacks."""


def asked_of(facts: Iterable[SpanFacts]) -> dict[SpanId, tuple[AskedCall, ...]]:
    """The tool calls that each model answer asked for, in the order of the message."""
    found: dict[SpanId, tuple[AskedCall, ...]] = {}
    for one in sorted(facts, key=lambda f: (f.span_id, f.content_hash)):
        if len(one.asked) > len(found.get(one.span_id, ())):
            found[one.span_id] = one.asked
    return found


def exchange_kind(step: Step) -> ExchangeKind | None:
    """What kind of exchange a step is; None for one that only wraps others."""
    if not step.counted or "noise" in step.flags:
        return None
    if step.kind in _PLAIN and any(decision.by == "human" for decision in step.decisions):
        return ExchangeKind.HUMAN
    if step.kind in _PLAIN and step.decisions:
        return ExchangeKind.GUARDRAIL
    return _KINDS.get(step.kind)


def outline(steps: Iterable[Step], asked: Mapping[SpanId, Sequence[AskedCall]]) -> tuple[Moment, ...]:
    """Order the exchanges of a run.

    Steps stand by start time; those that one assistant message asked for stand in the order of their calls in that
    message, however they were scheduled. The same steps give the same outline in whatever order they are handed in.
    """
    steps = tuple(steps)
    place = _by_time(steps)
    ordered = sorted(steps, key=place)
    kinds = {s.span_id: kind for s in ordered if (kind := exchange_kind(s)) is not None}
    playing = [s for s in ordered if s.span_id in kinds]
    retold: dict[SpanId, list[Step]] = defaultdict(list)
    for step in ordered:
        if step.duplicate_of is not None:
            retold[step.duplicate_of].append(step)
    playing = _by_call_position(playing, _asked_with(asked, retold))
    branches = _Branches(ordered, playing, place).of_all()
    counts: dict[Branch, int] = defaultdict(int)
    found = []
    for number, step in enumerate(playing, 1):
        branch = branches[step.span_id]
        counts[branch] += 1
        others = tuple(retold.get(step.span_id, ()))
        found.append(Moment(number, kinds[step.span_id], branch, counts[branch], step, others))
    return tuple(found)


def _by_time(steps: Iterable[Step]) -> Callable[[Step], Place]:
    """The order of steps. A call that only a result in a later message tells of has that message's time, and ran just before."""
    ordinals = {step.span_id: step.ordinal for step in steps}

    def place(step: Step) -> Place:
        read_by = ordinals.get(step.parent_span_id) if step.parent_span_id and _is_told(step) else None
        if read_by is None:
            return step.start_ns, step.ordinal, True, step.ordinal, step.span_id
        return step.start_ns, read_by, False, step.ordinal, step.span_id

    return place


def _is_told(step: Step) -> bool:
    return step.kind is SpanKind.TOOL and "synthetic" in step.flags


def _asked_with(
    asked: Mapping[SpanId, Sequence[AskedCall]], retold: Mapping[SpanId, Sequence[Step]]
) -> dict[SpanId, Sequence[AskedCall]]:
    """What a model asked for, from its own span or from another report of the same call."""
    found = dict(asked)
    for span_id, others in retold.items():
        if not found.get(span_id):
            found[span_id] = next((asked[o.span_id] for o in others if asked.get(o.span_id)), ())
    return found


def _by_call_position(playing: list[Step], asked: Mapping[SpanId, Sequence[AskedCall]]) -> list[Step]:
    """Let the calls of one message take their places in the order of the message."""
    position = _positions(playing, asked)
    groups: dict[SpanId, list[int]] = defaultdict(list)
    for index, step in enumerate(playing):
        if step.span_id in position:
            groups[position[step.span_id][0]].append(index)
    found = list(playing)
    for indexes in groups.values():
        members = sorted((playing[i] for i in indexes), key=lambda s: position[s.span_id][1])
        for index, member in zip(indexes, members, strict=True):
            found[index] = member
    return found


def _positions(
    playing: Sequence[Step], asked: Mapping[SpanId, Sequence[AskedCall]]
) -> dict[SpanId, tuple[SpanId, int]]:
    """For each tool call the model call that asked for it and its place in that message; by name without an id."""
    found: dict[SpanId, tuple[SpanId, int]] = {}
    waiting: dict[tuple[str, ...], list[tuple[SpanId, int]]] = defaultdict(list)
    for step in playing:
        if step.kind is SpanKind.MODEL:
            for index, call in enumerate(asked.get(step.span_id, ())):
                place = (step.span_id, index)
                if call.call_id:
                    waiting[(call.call_id,)] = [place]
                else:
                    waiting[call.name, call.arguments_hash].append(place)
        elif step.kind is SpanKind.TOOL:
            key = (step.tool_call_id,) if step.tool_call_id else (step.tool_name, step.tool_arguments_hash)
            if waiting.get(key):
                found[step.span_id] = waiting[key].pop(0)
    return found


class _Branches:
    """Finds where a run divides: at its agents, and where steps that hold exchanges run beside each other."""

    def __init__(self, steps: Sequence[Step], playing: Sequence[Step], place: Callable[[Step], Place]) -> None:
        self._steps = {s.span_id: s for s in steps}
        self._rank = {s.span_id: index for index, s in enumerate(playing)}
        self._by_time = place
        self._times = sorted(place(s) for s in playing)
        self._playing = playing
        self._tree = Ancestry({s.span_id: s.parent_span_id for s in steps})
        self._above = {s.span_id: self._tree.of(s.span_id) for s in playing}
        self._spans: dict[SpanId, tuple[int, int]] = {}
        """When the exchanges below a step began and ended."""
        self._weight: dict[SpanId, int] = defaultdict(int)
        """Exchanges below a step; a model call counts for two, since it makes a line of its own."""
        for step in playing:
            for above in self._above[step.span_id]:
                self._weight[above] += 2 if step.kind is SpanKind.MODEL else 1
                begin, end = self._spans.get(above, (step.start_ns, step.start_ns))
                self._spans[above] = min(begin, step.start_ns), max(end, step.start_ns + max(step.duration_ns, 0))

    def of_all(self) -> dict[SpanId, Branch]:
        """The branch of every exchange, without the one agent that everything stands under."""
        heads = self._heads()
        paths = {s.span_id: tuple(a for a in self._above[s.span_id] if a in heads) for s in self._playing}
        labels = self._labels(paths)
        shared = _common_start(tuple(paths.values()))
        return {span_id: tuple(labels[head] for head in path[shared:]) for span_id, path in paths.items()}

    def _heads(self) -> set[SpanId]:
        heads = {i for i in self._spans if self._steps[i].kind is SpanKind.AGENT}
        families: dict[SpanId | None, list[SpanId]] = defaultdict(list)
        for span_id in self._spans:
            if self._weight[span_id] > 1:  # a lone tool call in a wrapper is no line of its own
                families[self._steps[span_id].parent_span_id].append(span_id)
        for children in families.values():
            ordered = sorted(children, key=lambda i: (self._spans[i], i))
            until, last = -1, None
            for child in ordered:
                begin, end = self._spans[child]
                if begin < until and last is not None:
                    heads.update((last, child))
                if end > until:
                    until, last = end, child
        return heads

    def _labels(self, paths: Mapping[SpanId, tuple[SpanId, ...]]) -> dict[SpanId, str]:
        """Each head's name with its occurrence among heads of that name under the same head."""
        over: dict[SpanId, SpanId | None] = {
            head: above for path in paths.values() for above, head in zip((None, *path), path, strict=False)
        }
        counts: dict[tuple[SpanId | None, str], int] = defaultdict(int)
        labels: dict[SpanId, str] = {}
        for head in sorted(over, key=self._place):
            name = _head_name(self._steps[head])
            counts[over[head], name] += 1
            labels[head] = f"{name}#{counts[over[head], name]}"
        return labels

    def _place(self, head: SpanId) -> tuple[float, Place]:
        """Where a head stands: with the tool call that led to it, else by its start."""
        step = self._steps[head]
        for above in (head, *reversed(self._tree.of(head))):
            if above in self._rank:
                return float(self._rank[above]), self._by_time(step)
        return bisect_left(self._times, self._by_time(step)) - 0.5, self._by_time(step)


def _head_name(step: Step) -> str:
    if step.kind is SpanKind.AGENT:
        return step.agent_name or step.name
    return step.tool_name or step.name


def _common_start(paths: Sequence[tuple[SpanId, ...]]) -> int:
    """How many heads stand over every exchange of the run."""
    if not paths:
        return 0
    shortest = min(map(len, paths))
    for index in range(shortest):
        if len({path[index] for path in paths}) > 1:
            return index
    return shortest
