"""States calls that ran although the policy forbids them, and near misses that are new, doubled or were gone round."""

from __future__ import annotations

from collections.abc import Iterable

from insights.detectors.base import DAY_NS, HOUR_NS, MINUTE_NS, Detector, Inputs
from insights.near_misses import BEFORE_NS, is_doubled, is_new
from spans.attempts import AttemptKind, Followed, Harm
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from store.judged import AttemptGroup, AttemptQuery

_GRAVE = frozenset({Harm.MONEY.value, Harm.MAIL.value, Harm.DELETE.value})
LEAST_MALFORMED = 10
"""Malformed calls a day before anything is said: a retry mends most of them."""


def violations(inputs: Inputs) -> Iterable[Finding]:
    """One finding per tool and rule of the policy that was broken since the last look, or in the days before it."""
    for group in _groups(inputs, AttemptKind.VIOLATION):
        grave = group.harm in _GRAVE and group.level == "tool"
        times = "once" if group.count == 1 else f"{group.count} times"
        told = (
            f"{group.workflow}: {group.tool} ran {times} although {group.rule} forbids it."
            if group.level == "tool"
            else f"{group.workflow}: {_runs(group.runs)} went past {group.rule}."
        )
        yield _finding(inputs, group, FindingKind.VIOLATION, Severity.PAGE if grave else Severity.TICKET, told)


def near_misses(inputs: Inputs) -> Iterable[Finding]:
    """One finding per kind that is new, twice as frequent as last week, or that the agent went round."""
    for group in _groups(inputs, AttemptKind.STOPPED):
        round_it = group.followed.get(Followed.WENT_ROUND.value, 0)
        what = group.tool + (f" by {group.rule}" if group.rule else "")
        if round_it:
            told = f"{group.workflow}: {what} was stopped and the agent went round it in {round_it} of {group.count} cases."
            severity = Severity.PAGE if group.harm in _GRAVE else Severity.TICKET
        elif is_new(group, inputs.since_ns) and group.harm != Harm.READ.value:
            told = f"{group.workflow}: {what} was stopped for the first time ({_runs(group.runs)})."
            severity = Severity.TICKET
        elif is_doubled(group, inputs.now_ns - inputs.since_ns):
            told = f"{group.workflow}: {what} is stopped twice as often as last week ({group.count} times in {_days(inputs)})."
            severity = Severity.TICKET
        else:
            continue
        yield _finding(inputs, group, FindingKind.NEAR_MISS, severity, told)


def malformed(inputs: Inputs) -> Iterable[Finding]:
    """One finding per tool whose calls are malformed twice as often as last week."""
    for group in _groups(inputs, AttemptKind.MALFORMED):
        length_ns = inputs.now_ns - inputs.since_ns
        if group.count >= LEAST_MALFORMED * max(1, length_ns // DAY_NS) and is_doubled(group, length_ns):
            told = f"{group.workflow}: calls of {group.tool} are malformed twice as often as last week ({group.count} in {_days(inputs)})."
            yield _finding(inputs, group, FindingKind.MALFORMED, Severity.INFO, told)


def _groups(inputs: Inputs, kind: AttemptKind) -> tuple[AttemptGroup, ...]:
    query = AttemptQuery(inputs.project, inputs.since_ns, inputs.now_ns, kind=kind.value)
    return inputs.store.attempt_groups(query, BEFORE_NS)


def _days(inputs: Inputs) -> str:
    """How long the time looked at is, in words; a day and the hour since the last look is a day."""
    days = round((inputs.now_ns - inputs.since_ns) / DAY_NS)
    return f"{days} days" if days > 1 else "a day"


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"


def _finding(inputs: Inputs, group: AttemptGroup, kind: FindingKind, severity: Severity, summary: str) -> Finding:
    per_day = group.before / (BEFORE_NS / DAY_NS)
    days = max(1.0, (inputs.now_ns - inputs.since_ns) / DAY_NS)
    return Finding(
        kind=kind,
        project=inputs.project,
        environment=group.environment,
        workflow=group.workflow,
        subject=f"{group.tool}\x1f{group.rule}\x1f{group.reason}\x1f{group.shape}",
        severity=severity,
        detected_ns=inputs.now_ns,
        since_ns=max(group.first_ns, inputs.since_ns),
        summary=summary,
        features=(FeatureChange("per day", per_day, group.count / days, 0.0, "calls"),),
        impact=Impact(runs=group.runs, tools=(group.tool,) if group.tool else (), usd=group.cost_usd),
        run_ids=(group.run_id,),
        detail={"tool": group.tool, "rule": group.rule, "reason": group.reason, "shape": group.shape},
    )


VIOLATIONS = Detector(
    "violation",
    (FindingKind.VIOLATION,),
    5 * MINUTE_NS,
    violations,
    # As for repeated writes: an agent without a network sends hours or days afterwards.
    overlap_ns=3 * DAY_NS,
    again_ns=DAY_NS,
    quiet_ns=DAY_NS,
    lag_ns=0,
)
NEAR_MISSES = Detector(
    "near_miss", (FindingKind.NEAR_MISS,), HOUR_NS, near_misses, overlap_ns=DAY_NS, again_ns=2 * DAY_NS, quiet_ns=DAY_NS
)
MALFORMED = Detector(
    "malformed", (FindingKind.MALFORMED,), HOUR_NS, malformed, overlap_ns=DAY_NS, again_ns=2 * DAY_NS, quiet_ns=DAY_NS
)
