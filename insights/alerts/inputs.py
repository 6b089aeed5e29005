"""What an evaluator may ask for; live evaluation and back-tests answer the same questions from different places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from insights.alerts.metrics import Sums
from insights.alerts.rule import Rule, RuleType

Key = tuple[str, str]
"""A workflow and an environment."""


@dataclass(frozen=True, slots=True)
class Told:
    """A detector's finding, as far as a rule needs it. Times are Unix nanoseconds."""

    finding_id: str
    type: RuleType
    workflow: str
    environment: str
    detected_ns: int
    last_seen_ns: int
    since_ns: int
    is_open: bool
    sentence: str
    score: float | None = None
    """The statistic behind it (z), where there is one."""
    impact_usd: float | None = None
    group: str = ""
    """What tells two findings of one workflow apart: a tool, a rule, a reference."""
    run_ids: tuple[str, ...] = ()
    ended_ns: int | None = None
    """When it was closed, or a person decided; None while it is open, or when that moment was not kept."""

    def was_open(self, at_ns: int) -> bool:
        """Whether it was open at a moment."""
        return self.is_open or (self.ended_ns is not None and at_ns < self.ended_ns)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with tracetape itself: `name` is stable, `sentence` is for people."""

    name: str
    sentence: str


class Inputs(Protocol):
    """Answers about one project, all of them as of one moment."""

    def sums(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, Sums]:
        """Sums over runs that began in [since, until), filtered as the rule says; only workflows it covers."""

    def known(self, rule: Rule, until_ns: int) -> frozenset[Key]:
        """Workflows and environments the rule covers that had a run in the 30 days before `until_ns`."""

    def findings(self, rule: Rule, until_ns: int) -> Sequence[Told]:
        """Findings of the rule's kind that were known at `until_ns`."""

    def budget(self, workflow: str) -> tuple[float, int] | None:
        """US dollars and days of the workflow's policy; None when it has none."""

    def troubles(self) -> Sequence[Trouble]:
        """What is wrong with tracetape itself now."""
