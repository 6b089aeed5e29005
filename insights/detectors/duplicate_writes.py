"""States writes that were done twice: equal arguments, both succeeded, within 24 hours; a page at once, and it stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from insights.detectors.base import DAY_NS, MINUTE_NS, Detector, Inputs
from insights.effects import harm_of
from insights.repeats import DuplicateWrite, ToolCall, find_duplicate_writes
from spans.attempts import Harm
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from spans.kinds import ToolOutcome
from spans.policy import ToolEffect
from store.judged import WriteRow

_GRAVE = frozenset({Harm.MONEY, Harm.MAIL, Harm.DELETE})


def evaluate(inputs: Inputs) -> Iterable[Finding]:
    """One finding per repeated write; a third time brings it up to date."""
    rows = inputs.store.repeated_writes(inputs.project, inputs.since_ns, inputs.now_ns)
    by_workflow: defaultdict[str, list[ToolCall]] = defaultdict(list)
    for row in rows:
        by_workflow[row.workflow].append(_call(row))
    for workflow, calls in by_workflow.items():
        policy = inputs.policies.find(workflow)
        effects: dict[str, ToolEffect] = dict(policy.tool_effects) if policy is not None else {}
        for found in find_duplicate_writes(calls, effects):
            yield _finding(inputs, found, effects)


def _call(row: WriteRow) -> ToolCall:
    return ToolCall(
        environment=row.environment,
        workflow=row.workflow,
        tool=row.tool,
        arguments_hash=row.repeat_hash,
        at_ns=row.at_ns,
        run_id=row.run_id,
        span_id=row.span_id,
        outcome=ToolOutcome(row.outcome),
        call_id=row.call_id,
        idempotency_key=row.idempotency,
    )


def _finding(inputs: Inputs, found: DuplicateWrite, effects: dict[str, ToolEffect]) -> Finding:
    first, last = found.calls[0], found.calls[-1]
    grave = harm_of(first.tool) in _GRAVE or effects.get(first.tool) is ToolEffect.IRREVERSIBLE
    runs = tuple(dict.fromkeys(call.run_id for call in reversed(found.calls)))
    return Finding(
        kind=FindingKind.DUPLICATE_WRITE,
        project=inputs.project,
        environment=first.environment,
        workflow=first.workflow,
        subject=f"{first.tool} {first.arguments_hash} {first.at_ns}",
        severity=Severity.PAGE if grave else Severity.TICKET,
        detected_ns=inputs.now_ns,
        since_ns=found.calls[1].at_ns,
        summary=f"{first.workflow or 'A workflow'}: {found.sentence}",
        features=(FeatureChange("writes", 1, len(found.calls), 0.0, "calls"),),
        impact=Impact(runs=len(runs), tools=(first.tool,), writes=len(found.calls) - 1),
        run_ids=runs[:20],
        detail={
            "tool": first.tool,
            "calls": [{"run_id": c.run_id, "span_id": c.span_id, "at_ns": c.at_ns} for c in found.calls[:20]],
            "last_ns": last.at_ns,
        },
    )


DUPLICATE_WRITES = Detector(
    name="duplicate_write",
    kinds=(FindingKind.DUPLICATE_WRITE,),
    every_ns=MINUTE_NS,
    evaluate=evaluate,
    # A day for the pair, and two more for spans that arrive late: an agent without a network sends hours afterwards.
    overlap_ns=3 * DAY_NS,
    again_ns=4 * DAY_NS,
    quiet_ns=0,
    lag_ns=0,
)
