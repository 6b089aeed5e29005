"""The tool policy of one workflow and its pure judge: observes and reports, blocks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from spans.kinds import OutcomeLabel, RunStatus, SpanKind, ToolOutcome, Verdict
from spans.run import Outcome, Run, Step


class ToolEffect(StrEnum):
    """What a tool does to the world."""

    READ = "read"
    WRITE = "write"
    IRREVERSIBLE = "irreversible"


class FindingKind(StrEnum):
    """What a judge can find in one run."""

    VIOLATION = "violation"
    NEAR_MISS = "near_miss"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run; None means no limit."""

    max_tool_calls: int | None = None
    max_cost_usd: Decimal | None = None
    max_duration_s: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class SuccessRule:
    """What counts as success; an unset part is not asked for."""

    status: str | None = None
    no_denials: bool = False
    min_scores: Mapping[str, float] = field(default_factory=dict)
    final_tool: str | None = None

    def is_defined(self) -> bool:
        """Whether anything at all is asked for; without it success stays unknown."""
        return bool(self.status or self.no_denials or self.min_scores or self.final_tool)


@dataclass(frozen=True, slots=True)
class Policy:
    """The parsed policy file of a workflow (or `*`), frozen; versions live in the ledger."""

    workflow_id: str
    allowed_tools: tuple[str, ...] | None = None
    """None: no allow-list, every tool not denied is allowed."""
    require_approval: tuple[str, ...] = ()
    denied_tools: tuple[str, ...] = ()
    tool_effects: Mapping[str, ToolEffect] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    success: SuccessRule = field(default_factory=SuccessRule)
    timezone: str = "UTC"
    version: str = ""


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """One statement about one step, or about the run when `step` is None."""

    kind: FindingKind
    rule: str
    sentence: str
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy says of one run."""

    outcome: Outcome
    findings: tuple[PolicyFinding, ...]


_APPROVED = frozenset({Verdict.ALLOW, Verdict.MODIFY})
_NOT_RUN = frozenset({ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED})


def judge(policy: Policy, run: Run, steps: Iterable[Step]) -> Judgement:
    """Judge a run against a policy. Pure and clockless; the reference for the store's compiled SQL.

    A forbidden call that ran is a violation; one that a control stopped is a near miss. `denied_tools` holds whoever
    approves; `require_approval` is satisfied by an allow or modify decision of a person on that call.
    """
    ordered = tuple(steps)
    findings = [*_tool_findings(policy, ordered), *_limit_findings(policy, run, ordered)]
    return Judgement(outcome=_outcome(policy, run, ordered), findings=tuple(findings))


def _tool_findings(policy: Policy, steps: tuple[Step, ...]) -> Iterable[PolicyFinding]:
    for step in steps:
        if step.kind is not SpanKind.TOOL or not step.counted or not step.tool_name:
            continue
        stopped = step.tool_outcome in _NOT_RUN
        rule = _broken_rule(policy, step)
        if rule and not stopped:
            yield PolicyFinding(FindingKind.VIOLATION, rule, f"{step.tool_name} ran although {rule} forbids it.", step)
        elif step.tool_outcome is ToolOutcome.DENIED:
            denied = next((d for d in step.decisions if d.verdict is Verdict.DENY), None)
            name = (denied.rule if denied else "") or rule or "a control"
            yield PolicyFinding(FindingKind.NEAR_MISS, name, f"{step.tool_name} was stopped by {name}.", step)


def _broken_rule(policy: Policy, step: Step) -> str:
    if step.tool_name in policy.denied_tools:
        return "denied_tools"
    approved = any(d.verdict in _APPROVED and d.by == "human" for d in step.decisions)
    if step.tool_name in policy.require_approval:
        return "" if approved else "require_approval"
    if policy.allowed_tools is not None and step.tool_name not in policy.allowed_tools:
        return "allowed_tools"
    return ""


def _limit_findings(policy: Policy, run: Run, steps: tuple[Step, ...]) -> Iterable[PolicyFinding]:
    limits = policy.limits
    executed = sum(1 for s in steps if s.kind is SpanKind.TOOL and s.counted and s.tool_outcome not in _NOT_RUN)
    if limits.max_tool_calls is not None and executed > limits.max_tool_calls:
        yield _limit("max_tool_calls", f"{executed} tool calls, limit {limits.max_tool_calls}.")
    if limits.max_cost_usd is not None and run.cost_usd is not None and run.cost_usd > limits.max_cost_usd:
        yield _limit("max_cost_usd", f"${run.cost_usd} spent, limit ${limits.max_cost_usd}.")
    if limits.max_duration_s is not None and run.duration_ns > limits.max_duration_s * 1e9:
        yield _limit("max_duration_s", f"{run.duration_ns / 1e9:.1f} s, limit {limits.max_duration_s} s.")
    if limits.max_tokens is not None and run.usage.total() > limits.max_tokens:
        yield _limit("max_tokens", f"{run.usage.total()} tokens, limit {limits.max_tokens}.")


def _limit(rule: str, sentence: str) -> PolicyFinding:
    return PolicyFinding(FindingKind.LIMIT, rule, sentence)


def _outcome(policy: Policy, run: Run, steps: tuple[Step, ...]) -> Outcome:
    if not policy.success.is_defined() or run.status is RunStatus.RUNNING or run.waiting_for:
        return Outcome()
    met = _success_met(policy.success, run, steps)
    if met is None:
        return Outcome()
    return Outcome(OutcomeLabel.SUCCESS if met else OutcomeLabel.FAILURE, "policy")


def _success_met(rule: SuccessRule, run: Run, steps: tuple[Step, ...]) -> bool | None:
    """True or False when the evidence decides, None when a needed score is missing."""
    if rule.status is not None and run.status.value != rule.status:
        return False
    if rule.no_denials and run.denials:
        return False
    if rule.final_tool is not None:
        executed = [s for s in steps if s.kind is SpanKind.TOOL and s.counted and s.tool_outcome not in _NOT_RUN]
        if not executed or executed[-1].tool_name != rule.final_tool:
            return False
    scores = {e.name: e.score for s in steps for e in s.evaluations if e.score is not None}
    for name, floor in rule.min_scores.items():
        score = scores.get(name)
        if score is None:
            return None
        if score < floor:
            return False
    return True
