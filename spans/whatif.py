"""What a candidate policy would have meant for stored runs: the answer, and the plain evaluator that the store is held to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from msgspec import structs

from spans.kinds import OutcomeLabel, SpanKind, ToolOutcome, UsageRole
from spans.policy import FindingKind, Policy, judge
from spans.run import Run, Step

MOST_EXAMPLES = 5
MOST_GROUPS = 2_000
"""A hostile sender can make a kind of every call; counts stay exact."""
UNREADABLE_TOOL = r"^(?:<[A-Z][A-Z_]*(?:_[a-z2-7]{8,16}|_REMOVED)?>)?$"
"""A tool without a name, or whose name redaction took: no rule about names can be applied to it. Read by Python and by the store."""
_UNREADABLE = re.compile(UNREADABLE_TOOL)
_STOPPED = frozenset({ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED})
_DENYING = ("denied_tools", "allowed_tools")


class Change(StrEnum):
    """What the candidate would have changed for one tool call."""

    NEWLY_DENIED = "newly_denied"
    NEEDS_APPROVAL = "needs_approval"
    NEWLY_ALLOWED = "newly_allowed"
    CANNOT_EVALUATE = "cannot_evaluate"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class CallGroup:
    """Calls of one tool with one shape of arguments that change in one way by one rule; unchanged ones are only counted."""

    change: Change
    tool: str
    rule: str
    shape: str
    """Names with kinds of the arguments: `amount number, order_id text`; empty when they are not known."""
    calls: int
    runs: int
    successful_runs: int
    arguments: int
    """Different argument sets among them."""
    examples: tuple[tuple[str, str], ...]
    """(run id, span id) of the newest few."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a limit would have stopped a run: before which tool call or step, how long after its start, what it would have saved."""

    run_id: str
    span_id: str
    call: int
    after_ns: int
    saved_usd: Decimal


@dataclass(frozen=True, slots=True)
class LimitGroup:
    """Runs that one limit would have stopped."""

    rule: str
    runs: int
    successful_runs: int
    saved_usd: Decimal
    cannot_evaluate: int
    """Runs without the figure that the limit needs, such as a cost."""
    examples: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer."""

    runs: int
    """Runs the policy applies to."""
    counts: Mapping[Change, int]
    """Calls by what changes for them; what no call does is left out."""
    kinds: int
    """How many groups there are."""
    groups: tuple[CallGroup, ...]
    """The first MOST_GROUPS of them."""
    cut_runs: int
    """Runs with at least one call that would have been denied."""
    cut_successful: int
    cut_value_usd: Decimal
    """What those successful runs cost: money that was well spent."""
    limits: tuple[LimitGroup, ...]

    def count(self, change: Change) -> int:
        """Calls that change in one way."""
        return self.counts.get(change, 0)

    @property
    def calls(self) -> int:
        """Counted tool calls of those runs."""
        return sum(self.counts.values())


def applies(policy: Policy, run: Run) -> bool:
    """Whether a policy speaks of a run."""
    return policy.workflow_id in {"*", run.workflow}


def what_if(policy: Policy, runs: Iterable[tuple[Run, Sequence[Step]]]) -> WhatIf:
    """Judge stored runs by a candidate, call by call. Pure; slow and plain on purpose."""
    chosen = [(run, tuple(sorted(steps, key=_by_ordinal))) for run, steps in runs if applies(policy, run)]
    grouped: dict[tuple[Change, str, str, str], list[tuple[Run, Step]]] = defaultdict(list)
    for run, steps in chosen:
        for step, change, rule in changes_of(policy, run, steps):
            shape = "" if change is Change.UNCHANGED else step.tool_arguments_shape
            grouped[change, step.tool_name, rule, shape].append((run, step))
    cut = {
        r.run_id: r for (change, _, _, _), found in grouped.items() if change is Change.NEWLY_DENIED for r, _ in found
    }
    good = [run for run in cut.values() if run.outcome.label is OutcomeLabel.SUCCESS]
    return WhatIf(
        runs=len(chosen),
        counts=Counter(change for (change, *_), found in grouped.items() for _ in found),
        kinds=len(grouped),
        groups=in_order(_group(*key, found) for key, found in grouped.items())[:MOST_GROUPS],
        cut_runs=len(cut),
        cut_successful=len(good),
        cut_value_usd=sum((run.cost_usd or Decimal(0) for run in good), Decimal(0)),
        limits=tuple(_limit_groups(policy, chosen)),
    )


def changes_of(policy: Policy, run: Run, steps: Sequence[Step]) -> list[tuple[Step, Change, str]]:
    """What the candidate changes for each counted tool call of a run, with the rule that does it."""
    unlimited = replace(policy, limits=type(policy.limits)())
    violations = {
        f.step.span_id: f.rule
        for f in judge(unlimited, run, steps).findings
        if f.kind is FindingKind.VIOLATION and f.step
    }
    asked = [s for s in steps if s.kind is SpanKind.TOOL and s.counted]
    # A stopped call is judged as if it had run: that is how a rule that no longer forbids it is found.
    ran = [structs.replace(s, tool_outcome=ToolOutcome.OK) if s.tool_outcome in _STOPPED else s for s in steps]
    would = {
        f.step.span_id: f.rule
        for f in judge(unlimited, run, ran).findings
        if f.kind is FindingKind.VIOLATION and f.step
    }
    found = []
    for step in asked:
        rule = would.get(step.span_id, "")
        if _UNREADABLE.match(step.tool_name):
            found.append((step, Change.CANNOT_EVALUATE, ""))
        elif step.span_id in violations:
            rule = violations[step.span_id]
            found.append((step, Change.NEWLY_DENIED if rule in _DENYING else Change.NEEDS_APPROVAL, rule))
        elif step.tool_outcome in {ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING} and not rule:
            found.append((step, Change.NEWLY_ALLOWED, ""))
        elif step.tool_outcome is ToolOutcome.DENIED and rule == "require_approval":
            found.append((step, Change.NEEDS_APPROVAL, rule))
        elif step.tool_outcome is ToolOutcome.APPROVAL_PENDING and rule in _DENYING:
            found.append((step, Change.NEWLY_DENIED, rule))
        else:
            found.append((step, Change.UNCHANGED, ""))
    return found


def in_order(groups: Iterable[CallGroup]) -> tuple[CallGroup, ...]:
    """Groups as they are told: by what changes, the largest first."""
    order = list(Change)
    return tuple(sorted(groups, key=lambda g: (order.index(g.change), -g.calls, g.tool, g.rule, g.shape)))


def _by_ordinal(step: Step) -> tuple[int, str]:
    return step.ordinal, step.span_id


def _group(change: Change, tool: str, rule: str, shape: str, found: Sequence[tuple[Run, Step]]) -> CallGroup:
    if change is Change.UNCHANGED:
        return CallGroup(change, tool, rule, shape, len(found), runs=0, successful_runs=0, arguments=0, examples=())
    runs = {run.run_id: run for run, _ in found}
    newest = sorted(found, key=lambda pair: (-pair[0].started_ns, pair[0].run_id, pair[1].ordinal, pair[1].span_id))
    return CallGroup(
        change=change,
        tool=tool,
        rule=rule,
        shape=shape,
        calls=len(found),
        runs=len(runs),
        successful_runs=sum(1 for run in runs.values() if run.outcome.label is OutcomeLabel.SUCCESS),
        arguments=len({step.tool_arguments_hash for _, step in found}),
        examples=tuple((run.run_id, step.span_id) for run, step in newest[:MOST_EXAMPLES]),
    )


def _limit_groups(policy: Policy, chosen: Sequence[tuple[Run, Sequence[Step]]]) -> Iterable[LimitGroup]:
    limits = policy.limits
    for rule in ("max_tool_calls", "max_cost_usd", "max_duration_s", "max_tokens"):
        if getattr(limits, rule) is None:
            continue
        only = replace(policy, limits=replace(type(limits)(), **{rule: getattr(limits, rule)}))
        hit = [(r, s) for r, s in chosen if any(f.kind is FindingKind.LIMIT for f in judge(only, r, s).findings)]
        stops = [(run, stop_at(only, rule, run, steps)) for run, steps in hit]
        newest = sorted(stops, key=lambda pair: (-pair[0].started_ns, pair[0].run_id))
        yield LimitGroup(
            rule=rule,
            runs=len(hit),
            successful_runs=sum(1 for run, _ in hit if run.outcome.label is OutcomeLabel.SUCCESS),
            saved_usd=sum((stop.saved_usd for _, stop in stops), Decimal(0)),
            cannot_evaluate=sum(1 for run, _ in chosen if rule == "max_cost_usd" and run.cost_usd is None),
            examples=tuple(stop for _, stop in newest[:MOST_EXAMPLES]),
        )


def stop_at(policy: Policy, rule: str, run: Run, steps: Sequence[Step]) -> Stop:
    """Where a limit would have stopped a run that exceeds it.

    A control looks before each step, in the order of their starts: it stops the tool call after the last permitted one,
    the first step that starts after the time is over, or the first that starts when the sum is over the limit already.
    When the last step itself went over, nothing is left to stop.
    """
    ordered = sorted(steps, key=lambda s: (s.start_ns, s.ordinal, s.span_id))
    limit = getattr(policy.limits, rule)
    calls, spent, used = 0, Decimal(0), 0
    for index, step in enumerate(ordered):
        over = (
            (rule == "max_tool_calls" and _executed(step) and calls >= limit)
            or (rule == "max_cost_usd" and spent > limit)
            or (rule == "max_duration_s" and step.start_ns - run.started_ns > float(limit) * 1e9)
            or (rule == "max_tokens" and used > limit)
        )
        if over:
            saved = sum((_cost(s) for s in ordered[index:]), Decimal(0))
            return Stop(run.run_id, step.span_id, calls + 1, max(0, step.start_ns - run.started_ns), saved)
        calls += 1 if _executed(step) else 0
        spent += _cost(step)
        used += step.usage.total() if step.usage and step.usage_role is UsageRole.OWN else 0
    return Stop(run.run_id, "", calls, run.duration_ns, Decimal(0))


def _executed(step: Step) -> bool:
    return step.kind is SpanKind.TOOL and step.counted and bool(step.tool_name) and step.tool_outcome not in _STOPPED


def _cost(step: Step) -> Decimal:
    return step.cost.usd if step.cost and step.usage_role is UsageRole.OWN else Decimal(0)
