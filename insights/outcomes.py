"""Judges what a run achieved, from its policy or from what people and evaluators said. Unknown is never success."""

from __future__ import annotations

from collections.abc import Iterable

from spans.facts import Evaluation
from spans.kinds import OutcomeLabel, RunShape, RunStatus
from spans.policy import Policy, judge
from spans.run import Outcome, Run, Step

VERDICT_NAMES = frozenset(
    {
        "goal_achieved",
        "goal_completion",
        "outcome",
        "resolution",
        "resolved",
        "run_success",
        "success",
        "task_completed",
        "task_completion",
        "task_success",
        "user_feedback",
    }
)
"""Evaluations that speak of the run's goal. `helpfulness` and its like describe an answer and need a policy's floor."""

_LABELS = {
    **dict.fromkeys(
        ("achieved", "complete", "completed", "correct", "good", "pass", "passed", "positive", "resolved", "success"),
        OutcomeLabel.SUCCESS,
    ),
    **dict.fromkeys(("succeeded", "thumbs_up", "true", "up", "yes"), OutcomeLabel.SUCCESS),
    **dict.fromkeys(
        ("bad", "down", "fail", "failed", "failure", "false", "incomplete", "incorrect", "negative", "no"),
        OutcomeLabel.FAILURE,
    ),
    **dict.fromkeys(("not_achieved", "not_resolved", "thumbs_down", "unresolved"), OutcomeLabel.FAILURE),
    **dict.fromkeys(("escalated", "handed_off", "handoff", "transferred"), OutcomeLabel.HANDED_OFF),
}
_WORST_FIRST = (OutcomeLabel.FAILURE, OutcomeLabel.HANDED_OFF, OutcomeLabel.SUCCESS)
_NO_GOAL = frozenset({RunShape.SETUP, RunShape.NO_AGENT})


def judge_outcome(run: Run, steps: Iterable[Step], policy: Policy | None, label: Outcome | None = None) -> Outcome:
    """Judge a run: a label from outside, else its policy's success rule, else feedback, else an evaluator, else its error.

    A label (a review in the UI or one sent to the API) is newer knowledge than anything in the trace, so it decides even
    for a run that looks unfinished. Otherwise a run that is running or waits for somebody has no outcome yet. Where a policy defines success, the policy alone
    decides, and a score it needs but cannot find leaves the outcome unknown. A run that merely ended well is unknown.
    """
    if label is not None:
        return label
    ordered = tuple(steps)
    if run.status is RunStatus.RUNNING or run.waiting_for or run.shape in _NO_GOAL:
        return Outcome()
    if policy is not None and policy.success.is_defined():
        return judge(policy, run, ordered).outcome
    said = _what_was_said(ordered)
    if said is not None:
        return said
    if run.status is RunStatus.ERROR:
        return Outcome(OutcomeLabel.FAILURE, "status")
    return Outcome()


def _what_was_said(steps: tuple[Step, ...]) -> Outcome | None:
    """The worst verdict of people, or of evaluators when no person spoke; None when nobody judged the goal."""
    verdicts = [(e, label) for s in steps for e in s.evaluations if (label := _verdict(e)) is not None]
    by_people = {label for e, label in verdicts if _is_human(e)}
    by_anyone = {label for _, label in verdicts}
    for source, labels in (("feedback", by_people), ("evaluation", by_anyone)):
        for label in _WORST_FIRST:
            if label in labels:
                return Outcome(label, source)
    return None


def _verdict(evaluation: Evaluation) -> OutcomeLabel | None:
    """What an evaluation says of the goal; a score that is neither 0 nor 1 says nothing without a floor."""
    if _plain(evaluation.name) not in VERDICT_NAMES:
        return None
    if evaluation.label:
        return _LABELS.get(_plain(evaluation.label))
    if evaluation.score == 1:
        return OutcomeLabel.SUCCESS
    if evaluation.score == 0:
        return OutcomeLabel.FAILURE
    return None


def _is_human(evaluation: Evaluation) -> bool:
    return _plain(evaluation.annotator) in {"human", "person", "user"} or _plain(evaluation.name) == "user_feedback"


def _plain(text: str) -> str:
    """One spelling: lower case, words joined by underscores."""
    return "_".join(text.strip().lower().replace("-", " ").replace("_", " ").split())
