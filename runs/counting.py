"""Each physical model call counts once: call groups, usage roles, and what other traces say of the same call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from runs.eras import BESIDE_PREFIX, CALL_PREFIX, happened_together
from runs.folding import LOGS_ONLY
from runs.modelnames import bare_model
from runs.node import MODEL_KINDS, Node
from spans.facts import SpanFacts
from spans.ids import SpanId, TraceId
from spans.kinds import SpanKind, UsageRole
from spans.usage import Usage

_SERVER = 2
"""OTLP span kind of the side that is called."""
_BARRIERS = frozenset({SpanKind.TOOL, SpanKind.AGENT})


def assign_roles(nodes: Sequence[Node], neighbours: Mapping[str, Sequence[SpanFacts]]) -> None:
    """Give every step its usage role and mark second reports of a call.

    Args:
        nodes: All steps of the trace in stored order, linked.
        neighbours: Shared key → facts of other traces that carry it.
    """
    calls = [node for node in nodes if node.kind in MODEL_KINDS and node.facts.subkind != "fetch_response"]
    above = _models_above(nodes)
    below: dict[SpanId, list[Node]] = {}
    for node in calls:
        outer = above.get(node.span_id)
        if outer is not None:
            below.setdefault(outer.span_id, []).append(node)
    for node in calls:
        node.wrapper = _wraps_several(below.get(node.span_id, []))
        node.counted = not node.wrapper
    for group in _groups([node for node in calls if not node.wrapper], above):
        _settle(group, neighbours)
    _roles_of_others(nodes)


def _roles_of_others(nodes: Sequence[Node]) -> None:
    """A parent's usage is the sum of its calls if any call below tells its own, else it is all we have (section 6.1)."""
    told_below: set[SpanId] = set()
    for node in reversed(nodes):
        is_call = node.kind in MODEL_KINDS and not node.wrapper
        if not is_call and node.facts.subkind != "fetch_response" and says_usage(node.facts.usage):
            node.role = UsageRole.ROLLUP if node.span_id in told_below else UsageRole.OWN
        if node.parent is not None and (node.role is not UsageRole.NONE or node.span_id in told_below):
            told_below.add(node.parent.span_id)


def _models_above(nodes: Sequence[Node]) -> dict[SpanId, Node]:
    """For each step the nearest model span above it that no tool and no agent stands between."""
    found: dict[SpanId, Node] = {}
    for node in nodes:
        parent = node.parent
        if parent is None or parent.kind in _BARRIERS:
            continue
        if parent.kind in MODEL_KINDS:
            found[node.span_id] = parent
        elif parent.span_id in found:
            found[node.span_id] = found[parent.span_id]
    return found


def says_usage(usage: Usage | None) -> bool:
    """Whether any token count is there."""
    return usage is not None and (
        usage.input is not None
        or usage.output is not None
        or usage.cache_read is not None
        or usage.cache_write is not None
    )


def _wraps_several(below: list[Node]) -> bool:
    """Whether two or more separate model calls lie under one model span (a framework's loop, or its retries)."""
    ordered = sorted(below, key=lambda node: node.order)
    return any(
        later.facts.start_ns >= (earlier.facts.end_ns or earlier.facts.start_ns) for earlier, later in pairwise(ordered)
    )


class _Union:
    """Brings reports of one call together; the smallest id leads, whatever the order of joining."""

    def __init__(self, calls: Sequence[Node]) -> None:
        self._leader: dict[SpanId, SpanId] = {node.span_id: node.span_id for node in calls}
        self._layers: dict[SpanId, set[str]] = {node.span_id: {node.facts.scope} for node in calls}

    def find(self, span_id: SpanId) -> SpanId:
        while self._leader[span_id] != span_id:
            self._leader[span_id] = self._leader[self._leader[span_id]]
            span_id = self._leader[span_id]
        return span_id

    def join(self, one: Node, other: Node) -> None:
        first, second = sorted((self.find(one.span_id), self.find(other.span_id)))
        if first != second:
            self._leader[second] = first
            self._layers[first] |= self._layers.pop(second)

    def has_same_layer(self, one: Node, other: Node) -> bool:
        """Whether some layer would have reported the joined call twice; equal calls run in parallel look so."""
        return bool(self._layers[self.find(one.span_id)] & self._layers[self.find(other.span_id)])


def _groups(calls: Sequence[Node], above: Mapping[SpanId, Node]) -> list[list[Node]]:
    """Reports of the same call, brought together (section 6.3): by response id, by nesting, by standing side by side."""
    union = _Union(calls)
    by_response: dict[str, Node] = {}
    for node in calls:
        for key in _call_keys(node.facts):
            known = by_response.setdefault(key, node)
            if known is not node and not _are_two_calls(known, node):
                union.join(known, node)
    for node in calls:
        outer = above.get(node.span_id)
        if outer is not None and not outer.wrapper and _is_same_call(outer, node):
            union.join(outer, node)
    for one, other in _overlapping(calls):
        if _is_parallel_report(one, other) and not union.has_same_layer(one, other):
            union.join(one, other)
    grouped: dict[SpanId, list[Node]] = {}
    for node in calls:
        grouped.setdefault(union.find(node.span_id), []).append(node)
    return list(grouped.values())


def _call_keys(facts: SpanFacts) -> list[str]:
    """Keys that name this very call, not a tool call and not merely a time."""
    return [key for key in facts.shared_keys if not key.startswith((CALL_PREFIX, BESIDE_PREFIX))]


def _are_two_calls(one: Node, other: Node) -> bool:
    """An id that siblings share at different times with different counts is reused, not repeated."""
    apart = (one.facts.end_ns or one.facts.start_ns) <= other.facts.start_ns or (
        other.facts.end_ns or other.facts.start_ns
    ) <= one.facts.start_ns
    first, second = one.facts.usage, other.facts.usage
    if not apart or first is None or second is None:
        return False
    return (first.input, first.output) != (second.input, second.output)  # one reporter may split them further


def _is_same_call(outer: Node, inner: Node) -> bool:
    if not outer.contains(inner):
        return False
    names, others = model_names(outer.facts), model_names(inner.facts)
    if names and others and names & others:
        return True
    one, other = outer.facts.usage, inner.facts.usage
    if one is not None and other is not None and one.output is not None and one.output == other.output:
        return True
    return not names or not others


def _overlapping(calls: Sequence[Node]) -> Iterable[tuple[Node, Node]]:
    """Pairs of neighbours in time of which one contains the other and that different layers wrote."""
    ordered = sorted(calls, key=lambda node: node.order)
    open_calls: list[Node] = []
    for node in ordered:
        open_calls = [held for held in open_calls if (held.facts.end_ns or 0) > node.facts.start_ns][-16:]
        for held in reversed(open_calls):
            if held.facts.scope != node.facts.scope and held.contains(node):
                yield held, node
        open_calls.append(node)


def _is_parallel_report(outer: Node, inner: Node) -> bool:
    """Two layers that share no context still agree on the model and on both counts, or on the failure."""
    if not model_names(outer.facts) & model_names(inner.facts):
        return False
    one, other = outer.facts.usage, inner.facts.usage
    if one is None or other is None:
        return one is None and other is None and outer.facts.status == inner.facts.status == "error"
    return one.input is not None and (one.input, one.output) == (other.input, other.output)


def model_names(facts: SpanFacts) -> frozenset[str]:
    """Model names without provider prefix, region and date, for comparing."""
    return frozenset(bare_model(name) for name in (facts.request_model, facts.response_model) if name)


def _settle(group: list[Node], neighbours: Mapping[str, Sequence[SpanFacts]]) -> None:
    """One of the group counts; the others point at it. It may stand in another trace."""
    best = max(group, key=lambda node: _claim(node.facts, node.depth))
    elsewhere = _better_elsewhere(group, neighbours)
    for node in group:
        if node is best and elsewhere is None:
            node.role = UsageRole.OWN if says_usage(node.facts.usage) else UsageRole.NONE
            continue
        node.counted = False
        node.role = UsageRole.DUPLICATE if says_usage(node.facts.usage) else UsageRole.NONE
        node.duplicate_of = elsewhere.span_id if elsewhere is not None else best.span_id


def _claim(facts: SpanFacts, depth: int) -> tuple[object, ...]:
    """Usage beats none, then a cost, then detail, then closeness to the provider, then an earlier start."""
    return (*_weight(facts), depth, -facts.start_ns, facts.span_id)


def _weight(facts: SpanFacts) -> tuple[bool, bool, int]:
    usage = facts.usage
    detail = 0
    if usage is not None:
        counts = (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning)
        detail = sum(1 for count in counts if count is not None) + sum(1 for count in counts[2:] if count)
    return says_usage(usage), facts.reported_cost is not None, detail


def _better_elsewhere(group: Sequence[Node], neighbours: Mapping[str, Sequence[SpanFacts]]) -> SpanFacts | None:
    """A report of the same call in another trace that has the better claim; both traces come to the same answer.

    The claim across traces: usage, then usage on both sides, then being part of a larger trace (having a parent), then cost and detail, then the
    earlier start and the smaller ids. It looks only at facts, never at what either trace has decided.
    """
    rivals = _rivals(group, neighbours)
    layers = {_layer(node.facts) for node in group}
    others = [facts for reports in rivals.values() if not layers & set(map(_layer, reports)) for facts in reports]
    if not others:
        return None
    ours = max((node.facts for node in group), key=_across)
    theirs = max(others, key=_across)
    return theirs if _across(theirs) > _across(ours) else None


def _rivals(group: Sequence[Node], neighbours: Mapping[str, Sequence[SpanFacts]]) -> dict[TraceId, list[SpanFacts]]:
    """Per other trace, the reports of model calls that share a key with the group and happened at its time."""
    found: dict[TraceId, dict[tuple[SpanId, str], SpanFacts]] = {}
    for node in group:
        for key in node.facts.shared_keys:
            if key.startswith(CALL_PREFIX):
                continue
            is_one = _stands_beside if key.startswith(BESIDE_PREFIX) else _may_be_one
            for facts in neighbours.get(key, ()):
                if facts.kind in MODEL_KINDS and is_one(node.facts, facts):
                    found.setdefault(facts.trace_id, {})[facts.span_id, facts.content_hash] = facts
    return {trace_id: list(reports.values()) for trace_id, reports in found.items()}


def _may_be_one(one: SpanFacts, other: SpanFacts) -> bool:
    """Two reports of one call overlap in time and agree on what came out, where both say it."""
    first, second = one.usage, other.usage
    if first is not None and second is not None and None not in (first.output, second.output):
        return first.output == second.output and happened_together(one, other)
    return happened_together(one, other)


def _stands_beside(one: SpanFacts, other: SpanFacts) -> bool:
    """Two reports without a common id are of one call if one lies within the other, of the same process and output.

    Their key already says service, model and output tokens. At most one of them may have an id: two ids are two calls.
    """
    if one.response_id and other.response_id:
        return False
    outer, inner = sorted((one, other), key=lambda facts: (facts.start_ns, -facts.end_ns))
    return inner.parent_span_id is None and 0 < inner.end_ns <= outer.end_ns


def _layer(facts: SpanFacts) -> tuple[str, bool, bool]:
    """Who reports: one layer of one side tells of a call once, so two traces with the same layer tell of two calls.

    Some agents tell of each call in a span and, in a trace of the session's own, in log records.
    """
    is_log = facts.source == "log" or facts.kind_rule == LOGS_ONLY
    return facts.scope, facts.span_kind == _SERVER, is_log


def _across(facts: SpanFacts) -> tuple[object, ...]:
    has_usage, has_cost, detail = _weight(facts)
    usage = facts.usage
    return (
        has_usage,
        usage is not None and bool(usage.input) and usage.output is not None,
        facts.parent_span_id is not None,
        has_cost,
        detail,
        -facts.start_ns,
        _inverted(facts.trace_id),
        _inverted(facts.span_id),
        facts.content_hash,
    )


def _inverted(text: str) -> str:
    """Turns "smaller id wins" into "larger key wins"."""
    return "".join(chr(255 - ord(letter)) for letter in text)
