"""The tool policy of one workflow and its pure judge: observes and reports, blocks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from spans.facts import Decision
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
class Owner:
    """Whom to tell and where to act: names of channels and https addresses."""

    team: str = ""
    to: tuple[str, ...] = ()
    runbook_url: str = ""
    stop_url: str = ""
    queue_url: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """Service levels of a workflow (`slo` in the file); None means no target. Rates are between 0 and 1."""

    success_rate: float | None = None
    cost_per_success_usd: Decimal | None = None
    p95_duration_s: float | None = None
    intervention_rate: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any target."""
        return self != Targets()


@dataclass(frozen=True, slots=True)
class Budget:
    """The only place an amount of money over time stands."""

    usd: Decimal
    per_days: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How long runs of the workflow are kept, in days; None means what the project says."""

    retention_days: int | None = None
    content_retention_days: int | None = None


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
    owner: Owner = field(default_factory=Owner)
    targets: Targets = field(default_factory=Targets)
    budget: Budget | None = None
    retention: Retention = field(default_factory=Retention)


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
_FAILED = frozenset({ToolOutcome.ERROR, ToolOutcome.TIMEOUT, ToolOutcome.INVALID_ARGUMENTS})


def judge(policy: Policy, run: Run, steps: Iterable[Step]) -> Judgement:
    """Judge a run against a policy. Pure and clockless; the reference for the store's compiled SQL.

    A forbidden call that was executed is a violation; one that did not run, and any attempt that a control stopped, is
    a near miss. `denied_tools` holds whoever approves; `require_approval` is satisfied by an allow or modify decision
    of a person on that call. The order in which steps are given does not matter.
    """
    ordered = tuple(sorted(steps, key=lambda s: (s.ordinal, s.span_id)))
    findings = [*_tool_findings(policy, ordered), *_control_findings(ordered), *_limit_findings(policy, run, ordered)]
    return Judgement(outcome=_outcome(policy, run, ordered), findings=tuple(findings))


def _tool_findings(policy: Policy, steps: tuple[Step, ...]) -> Iterable[PolicyFinding]:
    decided = _decisions_by_call(steps)
    for step in _tool_calls(steps):
        decisions = (*step.decisions, *decided.get(step.tool_call_id, ()))
        rule = _broken_rule(policy, step.tool_name, decisions)
        if step.tool_outcome not in _NOT_RUN:
            if rule:
                sentence = f"{step.tool_name} was called although {rule} forbids it."
                yield PolicyFinding(FindingKind.VIOLATION, rule, sentence, step)
        elif step.tool_outcome is ToolOutcome.DENIED:
            name = next((d.rule for d in decisions if d.verdict is Verdict.DENY and d.rule), "") or rule or "a control"
            yield PolicyFinding(FindingKind.NEAR_MISS, name, f"{step.tool_name} was stopped by {name}.", step)
        elif rule and rule != "require_approval":
            sentence = f"{step.tool_name} was asked for although {rule} forbids it; it did not run."
            yield PolicyFinding(FindingKind.NEAR_MISS, rule, sentence, step)


def _tool_calls(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(s for s in steps if s.kind is SpanKind.TOOL and s.counted and s.tool_name)


def _decisions_by_call(steps: tuple[Step, ...]) -> Mapping[str, tuple[Decision, ...]]:
    """Decisions that stand on another step (a permission or guardrail span) but name a tool call."""
    found: dict[str, tuple[Decision, ...]] = {}
    for step in steps:
        for decision in step.decisions:
            if decision.subject_ref and decision.subject_ref != step.tool_call_id:
                found[decision.subject_ref] = (*found.get(decision.subject_ref, ()), decision)
    return found


def _broken_rule(policy: Policy, tool: str, decisions: Iterable[Decision]) -> str:
    if tool in policy.denied_tools:
        return "denied_tools"
    if tool in policy.require_approval:
        approved = any(d.verdict in _APPROVED and d.by == "human" for d in decisions)
        return "" if approved else "require_approval"
    if policy.allowed_tools is not None and tool not in policy.allowed_tools:
        return "allowed_tools"
    return ""


def _control_findings(steps: tuple[Step, ...]) -> Iterable[PolicyFinding]:
    """Attempts that were stopped at model or run level; a denial that names a counted tool call is told there."""
    told = {s.tool_call_id for s in _tool_calls(steps) if s.tool_call_id}
    for step in steps:
        if step.kind is SpanKind.TOOL or not step.counted:
            continue
        denied = next((d for d in step.decisions if d.verdict is Verdict.DENY and d.subject_ref not in told), None)
        if denied is not None:
            name = denied.rule or "a control"
            sentence = f"{step.name} was stopped by {name}." if name != step.name else f"{name} stopped an attempt."
            yield PolicyFinding(FindingKind.NEAR_MISS, name, sentence, step)


def _limit_findings(policy: Policy, run: Run, steps: tuple[Step, ...]) -> Iterable[PolicyFinding]:
    limits = policy.limits
    executed = sum(1 for s in _tool_calls(steps) if s.tool_outcome not in _NOT_RUN)
    if limits.max_tool_calls is not None and executed > limits.max_tool_calls:
        yield _limit("max_tool_calls", f"{executed} tool calls, limit {limits.max_tool_calls}.")
    if limits.max_cost_usd is not None and run.cost_usd is not None and run.cost_usd > limits.max_cost_usd:
        yield _limit("max_cost_usd", f"${run.cost_usd:f} spent, limit ${limits.max_cost_usd:f}.")
    if limits.max_duration_s is not None and run.duration_ns > limits.max_duration_s * 1e9:
        yield _limit("max_duration_s", f"{run.duration_ns / 1e9:.1f} s, limit {limits.max_duration_s:g} s.")
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
    """True or False when the evidence decides, None when a needed score is missing.

    A part that fails decides at once, whatever else is missing. Of several scores of one name the lowest counts.
    """
    if rule.status is not None and run.status.value != rule.status:
        return False
    if rule.no_denials and run.denials:
        return False
    if rule.final_tool is not None and not _ended_with(rule.final_tool, steps):
        return False
    lowest: dict[str, float] = {}
    for step in steps:
        for evaluation in step.evaluations:
            if evaluation.score is not None:
                lowest[evaluation.name] = min(evaluation.score, lowest.get(evaluation.name, evaluation.score))
    if any(lowest[name] < floor for name, floor in rule.min_scores.items() if name in lowest):
        return False
    return True if all(name in lowest for name in rule.min_scores) else None


def _ended_with(tool: str, steps: tuple[Step, ...]) -> bool:
    """Whether the last call that ran was this tool, and did not fail."""
    executed = [s for s in _tool_calls(steps) if s.tool_outcome not in _NOT_RUN]
    return bool(executed) and executed[-1].tool_name == tool and executed[-1].tool_outcome not in _FAILED
