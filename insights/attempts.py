"""Finds in one run what a control stopped, what the policy forbids and what was malformed: one record per attempt.

Pure and clockless (decision 0009). Calls are already told once, whatever number of instrumentations reported them;
here a denial that shows on several levels becomes one record, on the tool call where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from insights.effects import harm_of
from spans.attempts import Attempt, AttemptKind, AttemptReason, Followed, Grade, Harm
from spans.facts import Decision
from spans.ids import SpanId
from spans.kinds import Evidence, OutcomeLabel, RunStatus, SpanKind, ToolOutcome, Verdict
from spans.policy import FindingKind, Policy, judge
from spans.run import Run, Step

MOST = 200
"""Records of one run; more tell nothing new."""

_NOT_RUN = frozenset(
    {ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED, ToolOutcome.INVALID_ARGUMENTS}
)
_WORKED = frozenset({ToolOutcome.OK, ToolOutcome.RETRIED_THEN_OK, ToolOutcome.EMPTY})
_FAILED = frozenset({ToolOutcome.ERROR, ToolOutcome.INVALID_ARGUMENTS})
_GRADES = {Evidence.EXPLICIT: Grade.EXPLICIT, Evidence.DERIVED: Grade.DERIVED, Evidence.GUESS: Grade.GUESS}
_REFUSALS = frozenset({"content_filter", "refusal", "safety", "prohibited_content", "blocklist", "spii", "recitation"})
_INTERVENED = frozenset({"guardrail_intervened", "guardrail"})
_APPROVAL = re.compile(
    r"\bapproval\b|\brequires? (?:a |the )?(?:confirmation|sign-?off|supervisor|human)", re.IGNORECASE
)
_UNKNOWN_TOOL = re.compile(
    r"\b(?:tool|function)\b.{0,80}\b(?:not found|does not exist|is not (?:a )?(?:valid|known|registered|available))"
    r"|\b(?:unknown|no such|invalid|unrecognized) (?:tool|function)\b|-32601\b|\bmethod not found\b"
    r"|ToolNotFound|UnknownTool",
    re.IGNORECASE,
)
_BUDGET_TYPE = re.compile(
    r"(?:UsageLimit|BudgetExceeded|MaxTurns|MaxIterations|MaxSteps|MaxTokensBudget|GraphRecursion|RecursionLimit"
    r"|IterationLimit|StepLimit|TurnLimit|CostLimit|TokenBudget)\w*$",
    re.IGNORECASE,
)
_BUDGET_TEXT = re.compile(
    r"\bmax(?:imum)?[ _](?:number of )?(?:agent )?(?:turns|iterations|steps|tool[ _]calls)\b.{0,40}\b(?:exceed|reach|hit)"
    r"|\b(?:exceed|reach|hit)\w*\b.{0,40}\bmax(?:imum)?[ _](?:number of )?(?:agent )?(?:turns|iterations|steps)\b"
    r"|\brecursion limit of \d+ reached|\b(?:budget|usage limit|spending limit) (?:was |is |of \S+ )?(?:exceeded|exhausted|reached)",
    re.IGNORECASE,
)
_BUDGET_FINISH = frozenset({"max_turns", "max_iterations", "error_max_turns", "budget", "error_max_budget_usd"})
_RULE_IN_TEXT = (
    re.compile(r"\bpolicy ['\"]?([A-Za-z0-9][\w.-]{1,60})['\"]?\s*(?::|denie|forbid|block|reject)"),
    re.compile(
        r"\b(?:denied|blocked|rejected|forbidden|stopped) by (?:the )?(?:policy|rule|guardrail)? ?['\"]?"
        r"([A-Za-z0-9]\w*[-_.][\w.-]{1,60})['\"]?",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:rule|guardrail) ['\"]?([A-Za-z0-9]\w*[-_.][\w.-]{1,60})['\"]?", re.IGNORECASE),
)
_ASKS_PERSON = re.compile(
    r"escalat|hand_?-?off|hand_?over|human|supervisor|approv|ask_?user|request_?review|transfer_to_(?:agent|human|support)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Hint:
    """Words that make a failed call a near miss (`counts`), or keep one from being one; empty parts match all."""

    tool: str = ""
    text: str = ""
    counts: bool = True
    reason: str = ""
    """What it was stopped for; asked of attempts that a pattern may hide."""

    def fits(self, tool: str, words: Iterable[str]) -> bool:
        """Whether it speaks of this tool and one of these texts, in any case."""
        if self.tool and self.tool != tool:
            return False
        return not self.text or any(self.text.lower() in word.lower() for word in words)

    def hides(self, attempt: Attempt, words: Iterable[str]) -> bool:
        """Whether people said that an attempt like this one is none. What the policy file says is not for patterns."""
        return (
            not self.counts and self.reason in {"", attempt.reason} and self.fits(attempt.tool, (*words, attempt.rule))
        )


def attempts_of(
    run: Run, steps: Iterable[Step], policy: Policy | None = None, hints: Sequence[Hint] = ()
) -> tuple[Attempt, ...]:
    """Every attempt of a run, in the order of its steps; the order in which they are given does not matter.

    A call that waits for an approval in a run that waits is not an attempt yet: nobody has stopped it.
    """
    ordered = tuple(sorted(steps, key=lambda s: (s.ordinal, s.span_id)))
    calls = tool_calls(ordered)
    found: dict[str, Attempt] = {}
    for step in calls:
        attempt = _not_hidden(_tool_attempt(run, step, policy, hints), step, hints)
        if attempt is not None:
            found.setdefault(_identity(step), _followed(attempt, step, calls, run))
    for step in _above_tools(ordered, calls):
        attempt = _not_hidden(_other_attempt(step, policy), step, hints)
        if attempt is None:
            continue
        same = _same_attempt(attempt, step, calls, found)
        if same:
            found[same] = replace(found[same], grade=min(found[same].grade, attempt.grade, key=_SURENESS.index))
        else:
            found.setdefault(step.span_id, _followed(attempt, step, calls, run))
    if policy is not None:
        for identity, attempt in _against_policy(policy, run, ordered, calls):
            found.setdefault(identity, attempt)
    return tuple(sorted(found.values(), key=lambda a: (a.at_ns, a.span_id, a.rule)))[:MOST]


def tool_calls(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Each tool call once, those that never ran included; second reports and hand-overs between agents left out."""
    return tuple(
        s
        for s in steps
        if s.kind is SpanKind.TOOL
        and s.duplicate_of is None
        and s.subkind != "handoff"
        and (s.counted or s.tool_outcome in _NOT_RUN)
    )


def outcomes_of(steps: Iterable[Step]) -> dict[str, int]:
    """Tool calls by what became of them."""
    found: dict[str, int] = {}
    for step in tool_calls(sorted(steps, key=lambda s: (s.ordinal, s.span_id))):
        if step.tool_outcome is not None:
            found[step.tool_outcome.value] = found.get(step.tool_outcome.value, 0) + 1
    return dict(sorted(found.items()))


def _identity(step: Step) -> str:
    return f"call:{step.tool_call_id}" if step.tool_call_id else step.span_id


def _tool_attempt(run: Run, step: Step, policy: Policy | None, hints: Sequence[Hint]) -> Attempt | None:
    denial = _denial(step)
    words = _words(step)
    text = " ".join(word for word in words if word)
    if step.tool_outcome is ToolOutcome.DENIED:
        return _stopped(step, denial, text, policy)
    if step.tool_outcome is ToolOutcome.APPROVAL_PENDING:
        if run.waiting_for or run.continued_by or run.status is RunStatus.RUNNING:
            return None
        asked = next((d for d in step.decisions if d.verdict is Verdict.REQUIRE_APPROVAL), None)
        return _attempt(
            step, AttemptKind.STOPPED, AttemptReason.APPROVAL_REQUIRED, _grade(asked, step), policy, _rule(asked, text),
            asked.by if asked else "",
        )  # fmt: skip
    if step.tool_outcome in _FAILED and _UNKNOWN_TOOL.search(text):
        return _attempt(step, AttemptKind.MALFORMED, AttemptReason.UNKNOWN_TOOL, Grade.DERIVED, policy)
    if step.tool_outcome is ToolOutcome.INVALID_ARGUMENTS:
        return _attempt(step, AttemptKind.MALFORMED, AttemptReason.INVALID_ARGS, _grade(None, step), policy)
    # A control may answer in words and call the call a success (`result_preview`).
    said = (*words, step.result_preview)
    counts = next((h for h in hints if h.counts and h.text and h.fits(step.tool_name, said)), None)
    if counts is not None and step.tool_outcome is not ToolOutcome.TIMEOUT:
        return _attempt(step, AttemptKind.STOPPED, AttemptReason.PERMISSION, Grade.GUESS, policy, counts.text[:60])
    return None


def _denial(step: Step) -> Decision | None:
    return next((d for d in step.decisions if d.verdict is Verdict.DENY), None)


def _words(step: Step) -> list[str]:
    """What was said of a step's failure."""
    denial = _denial(step)
    return [step.error_type, step.error_message, *((denial.rule, denial.reason) if denial else ())]


def _not_hidden(attempt: Attempt | None, step: Step, hints: Sequence[Hint]) -> Attempt | None:
    if attempt is None or not hints:
        return attempt
    words = (*_words(step), *(d.reason for d in step.decisions), step.result_preview)
    return None if any(hint.hides(attempt, words) for hint in hints) else attempt


def _stopped(step: Step, denial: Decision | None, text: str, policy: Policy | None) -> Attempt:
    grade = _grade(denial, step)
    by = denial.by if denial else ""
    if denial is not None and denial.subject not in {"tool_call", ""} and "guard" in denial.subject:
        reason = AttemptReason.GUARDRAIL
    elif _APPROVAL.search(text) and by != "human":
        reason = AttemptReason.APPROVAL_REQUIRED
    elif grade is Grade.EXPLICIT or by == "human":
        reason = AttemptReason.POLICY_DENY
    else:
        reason = AttemptReason.PERMISSION
    return _attempt(step, AttemptKind.STOPPED, reason, grade, policy, _rule(denial, text), by)


def _attempt(
    step: Step,
    kind: AttemptKind,
    reason: AttemptReason,
    grade: Grade,
    policy: Policy | None,
    rule: str = "",
    by: str = "",
) -> Attempt:
    is_tool = step.kind is SpanKind.TOOL
    tool = (step.tool_name or step.name) if is_tool else step.name
    return Attempt(
        kind=kind,
        reason=reason,
        grade=grade,
        at_ns=step.start_ns,
        span_id=step.span_id,
        tool=tool[:200],
        level="tool" if is_tool else ("model" if step.kind in {SpanKind.MODEL, SpanKind.GUARDRAIL} else "run"),
        rule=rule[:120],
        by=by[:40],
        shape=step.tool_arguments_shape[:400] if is_tool else "",
        arguments_hash=step.tool_arguments_hash if is_tool else "",
        harm=harm_of(tool, policy) if is_tool else Harm.READ,
    )


def _grade(decision: Decision | None, step: Step) -> Grade:
    evidence = decision.evidence if decision is not None else step.tool_evidence
    return _GRADES[evidence] if evidence is not None else Grade.DERIVED


def _rule(decision: Decision | None, text: str) -> str:
    """The rule's own name where one is given, else the one that the message names."""
    if decision is not None and decision.rule:
        return decision.rule
    for pattern in _RULE_IN_TEXT:
        found = pattern.search(text)
        if found:
            return found[1].rstrip(".")
    return ""


def _above_tools(steps: Sequence[Step], calls: Sequence[Step]) -> Iterable[Step]:
    """Steps that are no tool calls and whose trouble is not that of a step below them, which only passed it on."""
    by_id = {s.span_id: s for s in steps}
    told = {s.tool_call_id for s in calls if s.tool_call_id}
    covered: set[SpanId] = set()
    for step in steps:
        is_denied_call = step.kind is SpanKind.TOOL and step.tool_outcome is ToolOutcome.DENIED
        if is_denied_call or (step.kind is not SpanKind.TOOL and _troubled(step)):
            above = step.parent_span_id
            while above is not None and above not in covered and above in by_id:
                covered.add(above)
                above = by_id[above].parent_span_id
    for step in steps:
        if step.kind is SpanKind.TOOL or not step.counted or step.span_id in covered:
            continue
        if any(d.verdict is Verdict.DENY and d.subject_ref in told for d in step.decisions if d.subject_ref):
            continue
        if _under_denied_call(step, by_id):
            continue
        yield step


def _under_denied_call(step: Step, by_id: Mapping[SpanId, Step]) -> bool:
    seen = 0
    above = step.parent_span_id
    while above is not None and above in by_id and seen < 200:
        here = by_id[above]
        if here.kind is SpanKind.TOOL:
            return here.tool_outcome is ToolOutcome.DENIED
        above, seen = here.parent_span_id, seen + 1
    return False


def _troubled(step: Step) -> bool:
    return (
        any(d.verdict is Verdict.DENY for d in step.decisions)
        or _is_budget(step)
        or bool({reason.lower() for reason in step.finish_reasons} & (_REFUSALS | _INTERVENED))
    )


def _is_budget(step: Step) -> bool:
    if {reason.lower() for reason in step.finish_reasons} & _BUDGET_FINISH:
        return True
    if step.status is not RunStatus.ERROR:
        return False
    return bool(_BUDGET_TYPE.search(step.error_type) or _BUDGET_TEXT.search(step.error_message))


def _other_attempt(step: Step, policy: Policy | None) -> Attempt | None:
    finish = {reason.lower() for reason in step.finish_reasons}
    denial = _denial(step)
    if denial is not None:
        is_guard = step.kind is SpanKind.GUARDRAIL or denial.by in {"model", "provider"}
        reason = AttemptReason.GUARDRAIL if is_guard else AttemptReason.POLICY_DENY
        rule = _rule(denial, denial.reason) or (step.name if is_guard else "")
        return _attempt(step, AttemptKind.STOPPED, reason, _grade(denial, step), policy, rule, denial.by)
    if finish & _INTERVENED:
        return _attempt(step, AttemptKind.STOPPED, AttemptReason.GUARDRAIL, Grade.EXPLICIT, policy)
    if finish & _REFUSALS:
        told = min(finish & _REFUSALS)
        return _attempt(
            step, AttemptKind.STOPPED, AttemptReason.REFUSAL_OR_FILTER, Grade.DERIVED, policy, told, "provider"
        )
    if _is_budget(step):
        named = step.error_type.rpartition(".")[2]
        named = named if _BUDGET_TYPE.search(named) else "a limit of the framework"
        return _attempt(step, AttemptKind.STOPPED, AttemptReason.BUDGET_STOP, Grade.DERIVED, policy, named, "config")
    return None


def _followed(attempt: Attempt, step: Step, calls: Sequence[Step], run: Run) -> Attempt:

    return replace(attempt, followed=what_followed(step, calls, run))


def what_followed(step: Step, calls: Sequence[Step], run: Run) -> Followed:
    """What the agent did after this step was stopped, the gravest thing it did.

    Going round is the same tool with other arguments that worked, or another tool that changes something and had not
    worked before; asking is a call, a decision or a hand-over to a person.
    """
    later = [c for c in calls if c.ordinal > step.ordinal and c.span_id != step.span_id]
    before = {c.tool_name for c in calls if c.ordinal < step.ordinal and c.tool_outcome in _WORKED}
    found = Followed.GAVE_UP
    for call in later:
        if _ASKS_PERSON.search(call.tool_name) or any(d.by == "human" for d in call.decisions):
            found = _graver(found, Followed.ASKED)
            continue
        same_tool = bool(step.tool_name) and call.tool_name == step.tool_name
        if same_tool and call.tool_arguments_hash == step.tool_arguments_hash:
            found = _graver(found, Followed.RETRIED)
        elif call.tool_outcome in _WORKED and (
            same_tool or (call.tool_name not in before and harm_of(call.tool_name) is not Harm.READ)
        ):
            found = _graver(found, Followed.WENT_ROUND)
        elif same_tool:
            found = _graver(found, Followed.RETRIED)
    if found is Followed.GAVE_UP and (run.waiting_for or run.outcome.label is OutcomeLabel.HANDED_OFF):
        return Followed.ASKED
    return found


_SURENESS = (Grade.EXPLICIT, Grade.DERIVED, Grade.GUESS, Grade.COMPUTED)


def _same_attempt(attempt: Attempt, step: Step, calls: Sequence[Step], found: Mapping[str, Attempt]) -> str:
    """The tool call that this control's own step has just stopped: a guard stands beside the call it guards.

    It is the next call of the run, stopped by the rule of the same name. Empty when there is none.
    """
    following = next((c for c in calls if c.ordinal > step.ordinal), None)
    around = [c for c in calls if c.start_ns <= step.start_ns <= c.start_ns + c.duration_ns]
    for call in (*around, *([following] if following is not None else [])):
        known = found.get(_identity(call))
        if known is not None and known.kind is AttemptKind.STOPPED and attempt.rule and known.rule == attempt.rule:
            return _identity(call)
    return ""


_GRAVITY = (Followed.GAVE_UP, Followed.ASKED, Followed.RETRIED, Followed.WENT_ROUND)


def _graver(one: Followed, other: Followed) -> Followed:
    return max(one, other, key=_GRAVITY.index)


def _against_policy(
    policy: Policy, run: Run, steps: Sequence[Step], calls: Sequence[Step]
) -> Iterable[tuple[str, Attempt]]:
    """What the policy file says of the run; a stopped call that a control has told of already is not told again."""
    for finding in judge(policy, run, steps).findings:
        if finding.kind is FindingKind.LIMIT:
            yield f"limit:{finding.rule}", _limit(run, steps, finding.rule)
        elif finding.step is not None and finding.step.kind is SpanKind.TOOL:
            violated = finding.kind is FindingKind.VIOLATION
            if not violated and finding.step.tool_outcome is ToolOutcome.DENIED:
                continue
            attempt = _attempt(
                finding.step,
                AttemptKind.VIOLATION if violated else AttemptKind.STOPPED,
                AttemptReason.POLICY_FILE,
                Grade.COMPUTED,
                policy,
                finding.rule,
                "policy file",
            )

            followed = Followed.RAN if violated else what_followed(finding.step, calls, run)
            prefix = "violation:" if violated else ""
            yield f"{prefix}{_identity(finding.step)}", replace(attempt, followed=followed)


def _limit(run: Run, steps: Sequence[Step], rule: str) -> Attempt:
    root = steps[0].span_id if steps else SpanId(run.run_id[:16])
    return Attempt(
        kind=AttemptKind.VIOLATION,
        reason=AttemptReason.POLICY_FILE,
        grade=Grade.COMPUTED,
        at_ns=run.started_ns,
        span_id=root,
        tool="",
        level="run",
        rule=rule,
        by="policy file",
        harm=Harm.WRITE,
        followed=Followed.RAN,
    )
