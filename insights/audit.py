"""What a policy says of runs that are stored: per rule the runs hit, and how many of them had ended well."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from insights.attempts import tool_calls
from spans.ids import RunId, SpanId
from spans.kinds import OutcomeLabel, ToolOutcome, UsageRole
from spans.policy import FindingKind, Policy, judge
from spans.run import Assembly, Run, Step

_NOT_RUN = frozenset(
    {ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED, ToolOutcome.INVALID_ARGUMENTS}
)


@dataclass(frozen=True, slots=True)
class RuleHit:
    """What one rule would have stopped. `good_runs` is the price of the rule."""

    rule: str
    tool: str
    runs: int
    calls: int
    good_runs: int
    cost_usd: Decimal
    """Of the runs that were hit."""
    saved_usd: Decimal
    """What would not have been spent, for a limit: everything after the call or second at which it would have stopped."""
    stopped_at: str
    """For a limit, where it would have stopped, at the median run."""
    example: tuple[RunId, SpanId | None]
    """The dearest run that was hit."""


@dataclass(frozen=True, slots=True)
class PolicyAudit:
    """One policy against some runs."""

    runs: int
    hits: tuple[RuleHit, ...]
    unlisted: tuple[tuple[str, int], ...]
    """Tools that were called and are not on the allow-list, with their calls."""
    success: int
    failure: int
    unknown: int
    """What the policy's success rule would label; all unknown without one."""


def audit(policy: Policy, assemblies: Iterable[Assembly]) -> PolicyAudit:
    """Judge runs against a policy, as if it had been in force. Observes; whatever it says, the runs have happened."""
    found = list(assemblies)
    hits: defaultdict[tuple[str, str], list[_Hit]] = defaultdict(list)
    unlisted: defaultdict[str, int] = defaultdict(int)
    labels: defaultdict[OutcomeLabel, int] = defaultdict(int)
    for assembly in found:
        run, steps = assembly.run, assembly.steps
        judgement = judge(policy, run, steps)
        labels[judgement.outcome.label] += 1
        for finding in judgement.findings:
            if finding.kind is FindingKind.VIOLATION and finding.step is not None:
                hits[finding.rule, finding.step.tool_name].append(_Hit(run, finding.step))
            elif finding.kind is FindingKind.LIMIT:
                hits[finding.rule, ""].append(_stopped(policy, finding.rule, run, steps))
        if policy.allowed_tools is not None:
            known = {*policy.allowed_tools, *policy.require_approval, *policy.denied_tools}
            for call in tool_calls(steps):
                if call.tool_name and call.tool_name not in known and call.tool_outcome not in _NOT_RUN:
                    unlisted[call.tool_name] += 1
    rules = [_hit(rule, tool, rows) for (rule, tool), rows in hits.items()]
    return PolicyAudit(
        runs=len(found),
        hits=tuple(sorted(rules, key=lambda h: (-h.runs, h.rule, h.tool))),
        unlisted=tuple(sorted(unlisted.items(), key=lambda pair: (-pair[1], pair[0]))),
        success=labels[OutcomeLabel.SUCCESS],
        failure=labels[OutcomeLabel.FAILURE],
        unknown=len(found) - labels[OutcomeLabel.SUCCESS] - labels[OutcomeLabel.FAILURE],
    )


@dataclass(frozen=True, slots=True)
class _Hit:
    """One run that a rule hits, at a step or, for a limit, at a place."""

    run: Run
    step: Step | None = None
    saved: Decimal = Decimal(0)
    place: float = math.inf
    """The call, or the second, at which a limit stops it; a text would put call 10 before call 2."""
    where: str = ""


def _hit(rule: str, tool: str, rows: list[_Hit]) -> RuleHit:
    runs = {row.run.run_id: row.run for row in rows}
    dearest = max(rows, key=lambda row: (row.run.cost_usd or Decimal(0), row.run.run_id))
    places = sorted((row for row in rows if row.where), key=lambda row: (row.place, row.where))
    return RuleHit(
        rule=rule,
        tool=tool,
        runs=len(runs),
        calls=len(rows) if tool else 0,
        good_runs=sum(run.outcome.label is OutcomeLabel.SUCCESS for run in runs.values()),
        cost_usd=sum((run.cost_usd or Decimal(0) for run in runs.values()), Decimal(0)),
        saved_usd=sum((row.saved for row in rows), Decimal(0)),
        stopped_at=places[len(places) // 2].where if places else "",
        example=(dearest.run.run_id, dearest.step.span_id if dearest.step else None),
    )


def _stopped(policy: Policy, rule: str, run: Run, steps: tuple[Step, ...]) -> _Hit:
    """What a limit would have saved of a run, and where it would have stopped it."""
    limits = policy.limits
    spent, tokens, calls = Decimal(0), 0, 0
    ordered = sorted(steps, key=lambda s: (s.start_ns, s.ordinal))
    counted = {s.span_id for s in tool_calls(ordered) if s.tool_outcome not in _NOT_RUN}
    for step in ordered:
        seconds = (step.start_ns - run.started_ns) / 1e9
        if rule == "max_duration_s" and limits.max_duration_s is not None and seconds > limits.max_duration_s:
            return _Hit(run, None, _rest(run, spent), seconds, f"after {limits.max_duration_s:g} s")
        if step.span_id in counted:
            calls += 1
            if rule == "max_tool_calls" and limits.max_tool_calls is not None and calls > limits.max_tool_calls:
                return _Hit(run, None, _rest(run, spent), calls, f"at call {calls}")
        if step.cost is not None:
            spent += step.cost.usd
            if rule == "max_cost_usd" and limits.max_cost_usd is not None and spent > limits.max_cost_usd:
                return _Hit(run, None, _rest(run, spent), seconds, f"after {seconds:.0f} s")
        if step.usage is not None and step.usage_role is UsageRole.OWN:
            tokens += step.usage.total()
            if rule == "max_tokens" and limits.max_tokens is not None and tokens > limits.max_tokens:
                return _Hit(run, None, _rest(run, spent), seconds, f"after {seconds:.0f} s")
    return _Hit(run, where="at its end")


def _rest(run: Run, spent: Decimal) -> Decimal:
    return max(Decimal(0), (run.cost_usd or Decimal(0)) - spent)


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What a draft would stop that the policy in force lets through, and the other way round."""

    newly_denied: tuple[RuleHit, ...]
    newly_allowed: tuple[RuleHit, ...]


def change(before: PolicyAudit, after: PolicyAudit) -> PolicyChange:
    """Compare two audits of the same runs by rule and tool."""
    old = {(h.rule, h.tool): h for h in before.hits}
    new = {(h.rule, h.tool): h for h in after.hits}
    return PolicyChange(
        tuple(h for key, h in new.items() if key not in old or h.calls > old[key].calls or h.runs > old[key].runs),
        tuple(h for key, h in old.items() if key not in new or h.calls > new[key].calls or h.runs > new[key].runs),
    )
