"""What judges fresh runs: the policies, labels and patterns of their project, kept parsed until somebody changes them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from insights.attempts import Hint, attempts_of, outcomes_of
from insights.outcomes import judge_outcome
from insights.policies import PolicyBook, book_of
from replay.replayability import replayability
from runs.measures import measures_of
from spans.kinds import OutcomeLabel
from spans.run import Assembly, Outcome
from store.ledger import Ledger
from store.ledger.labels import OutcomeSaid
from store.ledger.reviews import Pattern


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """What judges the runs of one project."""

    policies: PolicyBook = field(default_factory=PolicyBook)
    patterns: tuple[Pattern, ...] = ()

    def hints(self, workflow: str) -> tuple[Hint, ...]:
        """Patterns that speak of a workflow."""
        return tuple(Hint(p.tool, p.text, p.counts, p.reason) for p in self.patterns if p.workflow in {"", workflow})


NO_RULES = ProjectRules()


class Judges:
    """Judges assemblies with what the ledger says now."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._revision: object = None
        self._rules: dict[str, ProjectRules] = {}

    def rules(self, project: str) -> ProjectRules:
        """Policies and patterns in force, parsed once per change."""
        ledger = self._ledger
        revision = (ledger.policies.revision(), ledger.reviews.revision())
        with self._lock:
            if revision != self._revision:
                self._revision, self._rules = revision, {}
            known = self._rules.get(project)
            if known is None:
                known = ProjectRules(book_of(ledger.policies.current(project)), ledger.reviews.patterns(project))
                self._rules[project] = known
        return known

    def budget_of(self, project: str, workflow: str) -> tuple[float, int] | None:
        """US dollars and days of the workflow's policy; None when it names no budget."""
        policy = self.rules(project).policies.find(workflow)
        return (float(policy.budget.usd), policy.budget.per_days) if policy and policy.budget else None

    def owners_of(self, project: str, workflow: str) -> tuple[str, ...]:
        """Channels of the workflow's owner."""
        policy = self.rules(project).policies.find(workflow)
        return policy.owner.to if policy else ()

    def judge(self, assemblies: Sequence[Assembly]) -> list[Assembly]:
        """Judge runs of any projects; the order stays."""
        by_project: defaultdict[str, list[str]] = defaultdict(list)
        for assembly in assemblies:
            by_project[assembly.run.project].append(assembly.run.run_id)
        rules = {project: self.rules(project) for project in by_project}
        said: dict[str, Mapping[str, OutcomeSaid]] = {
            project: self._ledger.labels.newest(project, ids) for project, ids in by_project.items()
        }
        tags = {project: self._ledger.remarks.tags(project, ids) for project, ids in by_project.items()}
        return [
            judged(
                a,
                rules[a.run.project],
                said[a.run.project].get(a.run.run_id),
                tags[a.run.project].get(a.run.run_id, ()),
            )
            for a in assemblies
        ]


def judged(
    assembly: Assembly, rules: ProjectRules = NO_RULES, said: OutcomeSaid | None = None, tags: Sequence[str] = ()
) -> Assembly:
    """Apply the visible list of judges to one assembly; `tags` are those that people added."""
    run, steps = assembly.run, assembly.steps
    if tags:
        run = structs.replace(run, tags=tuple(dict.fromkeys((*run.tags, *tags))))
    badge, reasons = replayability(run, steps)
    policy = rules.policies.find(run.workflow)
    run = structs.replace(run, outcome=judge_outcome(run, steps, policy, label_of(said)))
    run = structs.replace(
        run,
        attempts=attempts_of(run, steps, policy, rules.hints(run.workflow)),
        tool_outcomes=outcomes_of(steps),
        replayability=badge,
        replay_reasons=reasons,
        version=time.time_ns(),
    )
    return Assembly(run, steps, measures_of(run, steps))


def label_of(said: OutcomeSaid | None) -> Outcome | None:
    """What somebody said, as an outcome; a label taken back says nothing."""
    if said is None or said.label is OutcomeLabel.UNKNOWN:
        return None
    return Outcome(said.label, said.source)


def judge_all(assemblies: Iterable[Assembly]) -> list[Assembly]:
    """Judge without policies, labels or patterns."""
    return [judged(assembly) for assembly in assemblies]
