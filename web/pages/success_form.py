"""Define success: what the form picks, and what the policy asks for besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insights.policy_text import number_text
from spans.errors import RefusedError
from spans.policy import SuccessRule

FEEDBACK = "user_feedback"
MOST_TOOLS = 100


@dataclass(frozen=True, slots=True)
class SuccessForm:
    """What is picked, and what it would label."""

    status: str
    no_denials: bool
    final_tool: str
    score: str
    floor: str
    feedback: bool
    feedback_floor: str
    kept: tuple[str, ...]
    """What the policy asks for and the form does not show, in words; saving keeps it."""
    preview: str
    tools: tuple[str, ...]
    may_save: bool
    is_set: bool = False
    """Whether the policy in force says what success is."""


def build_success(
    before: SuccessRule, asked: Mapping[str, str] | None, tools: Sequence[str], *, preview: str, may_save: bool
) -> SuccessForm:
    """The form: as it was filled in for a preview (`asked`), else as the policy in force has it (`before`).

    Raises:
        RefusedError: a floor that is no number.
    """
    rule = before if asked is None else rule_of(asked, before)
    score = _shown(before) if asked is None else asked.get("score", "").strip()[:100]
    floor = rule.min_scores.get(score)
    kept = [f"the score {name} was at least {number_text(rule.min_scores[name])}" for name in _kept(before, score)]
    if before.status == "error":
        kept.insert(0, "it ended with an error, unless the first box is ticked")
    chosen = rule.final_tool or ""
    return SuccessForm(
        status=rule.status or "",
        no_denials=rule.no_denials,
        final_tool=chosen,
        score=score,
        floor="" if floor is None else number_text(floor),
        feedback=FEEDBACK in rule.min_scores,
        feedback_floor=number_text(before.min_scores.get(FEEDBACK, 1.0)),
        kept=tuple(kept),
        preview=preview,
        # A tool that no run of late has called stays pickable, or saving would drop it.
        tools=tuple(dict.fromkeys([*([chosen] if chosen else []), *tools]))[:MOST_TOOLS],
        may_save=may_save,
        is_set=before.is_defined(),
    )


def rule_of(form: Mapping[str, str], before: SuccessRule) -> SuccessRule:
    """The success rule that a form picks, with those parts of the one before that the form does not show.

    Raises:
        RefusedError: a floor that is no number.
    """
    scores: dict[str, float] = {}
    score = form.get("score", "").strip()[:100]
    if score:
        try:
            scores[score] = float(form.get("floor", "").strip() or "1")
        except ValueError:
            raise RefusedError("The least score is a number such as 0.7.") from None
    scores |= {name: before.min_scores[name] for name in _kept(before, score)}
    if form.get("feedback") == "1":
        scores[FEEDBACK] = before.min_scores.get(FEEDBACK, 1.0)
    return SuccessRule(
        status="ok" if form.get("status") == "ok" else ("error" if before.status == "error" else None),
        no_denials=form.get("no_denials") == "1",
        min_scores=scores,
        final_tool=form.get("final_tool", "").strip()[:200] or None,
    )


def _shown(rule: SuccessRule) -> str:
    """The one score that the form shows."""
    return next((name for name in rule.min_scores if name != FEEDBACK), "")


def _kept(before: SuccessRule, score: str) -> list[str]:
    return [name for name in before.min_scores if name not in {FEEDBACK, _shown(before), score}]
