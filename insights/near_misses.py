"""Ranks kinds of attempts by risk: what the tool could do, why it was stopped, how often, and what the agent did next."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from spans.attempts import AttemptReason, Followed, Grade, Harm
from store.judged import AttemptGroup

DAY_NS = 86_400 * 1_000_000_000
BEFORE_NS = 28 * DAY_NS
"""How far back a kind is looked for before it is called new."""
NEW_NS = 7 * DAY_NS
LEAST_DOUBLED = 4
"""Fewer than this say nothing about a rate."""

HARM_WEIGHTS = {Harm.MONEY: 5.0, Harm.DELETE: 4.0, Harm.MAIL: 3.0, Harm.WRITE: 2.0, Harm.READ: 1.0}
REASON_WEIGHTS = {
    AttemptReason.POLICY_DENY: 3.0,
    AttemptReason.APPROVAL_REQUIRED: 3.0,
    AttemptReason.GUARDRAIL: 3.0,
    AttemptReason.POLICY_FILE: 3.0,
    AttemptReason.PERMISSION: 2.0,
}
"""Others weigh 1."""
FOLLOWED_WEIGHTS = {Followed.WENT_ROUND: 3.0, Followed.RETRIED: 2.0, Followed.RAN: 3.0}
"""What followed counts more than volume; others weigh 1."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One kind with its risk."""

    group: AttemptGroup
    risk: float
    is_new: bool
    is_doubled: bool
    key: str
    """Names the kind in addresses and reviews."""
    earlier_key: str
    """Names it in reviews of before, which spoke of every environment."""
    grade: Grade
    """The surest evidence among its attempts."""

    @property
    def worst(self) -> Followed:
        """The gravest thing that followed."""
        return worst_of(self.group)


def rank(groups: Iterable[AttemptGroup], since_ns: int, length_ns: int) -> tuple[Ranked, ...]:
    """New kinds first, then by risk; `since_ns` and `length_ns` are those of the range that was counted.

    In a range longer than a week only what came up in its last week is new.
    """
    since_ns += length_ns - min(length_ns, NEW_NS)
    ranked = [
        Ranked(
            group,
            risk_of(group, since_ns, length_ns),
            is_new(group, since_ns),
            is_doubled(group, length_ns),
            key_of(group),
            earlier_key_of(group),
            grade_of(group),
        )
        for group in groups
    ]
    return tuple(sorted(ranked, key=lambda r: (not r.is_new, -r.risk, r.group.workflow, r.group.tool, r.group.rule)))


def risk_of(group: AttemptGroup, since_ns: int, length_ns: int) -> float:
    """Harm x reason x log2(1 + count) x 2 if doubled x 1.5 if new x what followed."""
    risk = HARM_WEIGHTS[Harm(group.harm)] * REASON_WEIGHTS.get(AttemptReason(group.reason), 1.0)
    risk *= math.log2(1 + group.count)
    if is_doubled(group, length_ns):
        risk *= 2
    if is_new(group, since_ns):
        risk *= 1.5
    return risk * FOLLOWED_WEIGHTS.get(worst_of(group), 1.0)


def worst_of(group: AttemptGroup) -> Followed:
    """The gravest thing that followed any attempt of the kind."""
    order = (Followed.RAN, Followed.WENT_ROUND, Followed.RETRIED, Followed.ASKED, Followed.GAVE_UP)
    return next((followed for followed in order if group.followed.get(followed.value)), Followed.GAVE_UP)


def grade_of(group: AttemptGroup) -> Grade:
    """The surest evidence among the attempts of a kind."""
    return next((grade for grade in Grade if group.grades.get(grade.value)), Grade.GUESS)


def is_new(group: AttemptGroup, since_ns: int) -> bool:
    """Whether the kind was never seen in the time before the range."""
    return group.before == 0 and group.first_ns >= since_ns


def is_doubled(group: AttemptGroup, length_ns: int) -> bool:
    """Whether it came more than twice as often as in the time before, for kinds that are not new."""
    expected = group.before * length_ns / BEFORE_NS
    return group.before > 0 and group.count >= LEAST_DOUBLED and group.count > 2 * expected


def key_of(group: AttemptGroup) -> str:
    """16 hex digits that name a kind in its environment."""
    return _key(*_parts(group), group.environment)


def earlier_key_of(group: AttemptGroup) -> str:
    """The key that named the kind in every environment at once; reviews of before stand under it and go on applying."""
    return _key(*_parts(group))


def _parts(group: AttemptGroup) -> tuple[str, ...]:
    return (group.workflow, group.kind, group.reason, group.tool, group.rule, group.shape)


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
