"""Finds writes that happened twice: equal arguments, both succeeded, within a day (decision 0008)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from insights.effects import guess_effect
from spans.ids import RunId, SpanId
from spans.kinds import ToolOutcome
from spans.policy import ToolEffect

WITHIN_NS = 24 * 3_600 * 1_000_000_000
"""A write repeated later than this is taken for a new one."""

KIND = "duplicate_write"

_SUCCEEDED = frozenset({ToolOutcome.OK, ToolOutcome.RETRIED_THEN_OK, ToolOutcome.EMPTY})
"""A write that answers nothing has been done all the same."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool, told once, whatever number of instrumentations reported it."""

    environment: str
    workflow: str
    tool: str
    arguments_hash: str
    """Of the arguments without their idempotency key; empty when the arguments are not known."""
    at_ns: int
    run_id: RunId
    span_id: SpanId
    outcome: ToolOutcome | None
    call_id: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class DuplicateWrite:
    """One write that was done more than once; calls in order of time."""

    calls: tuple[ToolCall, ...]

    @property
    def sentence(self) -> str:
        """What a person reads first."""
        first, last = self.calls[0], self.calls[-1]
        times = "twice" if len(self.calls) == 2 else f"{len(self.calls)} times"
        runs = len({call.run_id for call in self.calls})
        where = "in one run" if runs == 1 else f"in {runs} runs"
        return f"{first.tool} succeeded {times} with equal arguments {where}, {_span(last.at_ns - first.at_ns)} apart."


def find_duplicate_writes(
    calls: Iterable[ToolCall], effects: Mapping[str, ToolEffect] | None = None
) -> tuple[DuplicateWrite, ...]:
    """Group successful writes of one workflow that have equal arguments, each within 24 hours of the one before.

    Calls in any order; a call given twice counts once. Repeats that carry the same idempotency key are one write, and
    so are calls of one run that carry the same call id. A call whose arguments are unknown is never a duplicate.

    Args:
        calls: Of any project-wide selection; one project at a time.
        effects: What tools do, from the policy; a tool that is not named there is judged by its name.
    """
    groups: defaultdict[tuple[str, str, str, str], dict[object, ToolCall]] = defaultdict(dict)
    for call in sorted(calls, key=lambda c: (c.at_ns, c.run_id, c.span_id)):
        if call.outcome not in _SUCCEEDED or not call.arguments_hash or not _changes_something(call.tool, effects):
            continue
        same = groups[(call.environment, call.workflow, call.tool, call.arguments_hash)]
        same.setdefault(_identity(call), call)
    found = (
        DuplicateWrite(chain) for same in groups.values() for chain in _chains(tuple(same.values())) if len(chain) > 1
    )
    return tuple(sorted(found, key=lambda d: (d.calls[1].at_ns, d.calls[0].run_id, d.calls[0].span_id)))


def _identity(call: ToolCall) -> object:
    """What makes two reports one write."""
    if call.idempotency_key:
        return ("key", call.idempotency_key)
    if call.call_id:
        return ("call", call.run_id, call.call_id)
    return ("span", call.run_id, call.span_id)


def _chains(calls: tuple[ToolCall, ...]) -> Iterable[tuple[ToolCall, ...]]:
    chain: tuple[ToolCall, ...] = ()
    for call in calls:
        if chain and call.at_ns - chain[-1].at_ns > WITHIN_NS:
            yield chain
            chain = ()
        chain = (*chain, call)
    yield chain


def _changes_something(tool: str, effects: Mapping[str, ToolEffect] | None) -> bool:
    effect = (effects or {}).get(tool) or guess_effect(tool)
    return effect in {ToolEffect.WRITE, ToolEffect.IRREVERSIBLE}


def _span(duration_ns: int) -> str:
    seconds = duration_ns / 1e9
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
