"""Which runs outlive a received day: longer periods of projects and workflows, and pins; one rule for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from spans.run import Run
from store.text import clean_text

RECORD_DAYS = 184
"""Six months, whichever they are: how long law wants the logs of high-risk AI systems kept at least (EU AI Act, Art. 19, 26)."""


class KeptLonger(Protocol):
    """A period of a project (`workflow` empty) or of one of its workflows, in days."""

    @property
    def project(self) -> str:
        """Whose period it is."""

    @property
    def workflow(self) -> str:
        """Which workflow's; empty for all others of the project."""

    @property
    def content_days(self) -> int:
        """How long content is kept."""

    @property
    def metadata_days(self) -> int:
        """How long everything else is kept."""

    @property
    def is_record(self) -> bool:
        """Whether it is kept for six months at least."""

    @property
    def override(self) -> str:
        """Why it is kept for less all the same."""


@dataclass(frozen=True, slots=True)
class Survivors:
    """The runs that stay when a received day expires: a workflow's own rule beats its project's, which beats `default`.

    A pinned run, named by (project, run id), stays whatever the rules say.
    """

    default: bool = False
    projects: Mapping[str, bool] = field(default_factory=dict)
    workflows: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    pinned: frozenset[tuple[str, str]] = frozenset()

    @property
    def nobody(self) -> bool:
        """Nothing can stay: whole partitions may be dropped."""
        return not (self.default or self.pinned or any(self.projects.values()) or any(self.workflows.values()))

    @property
    def everybody(self) -> bool:
        """Nothing can go."""
        return self.default and all(self.projects.values()) and all(self.workflows.values())

    def keep(self, run: Run) -> bool:
        """Whether a run stays."""
        project, workflow = clean_text(run.project), clean_text(run.workflow)
        if (project, str(run.run_id)) in self.pinned:
            return True
        of_project = self.projects.get(project, self.default)
        return self.workflows.get((project, workflow), of_project)


NOBODY = Survivors()


def survivors_of_age(
    age_days: int,
    *,
    content: bool,
    default_days: int,
    periods: Iterable[KeptLonger],
    pinned: Iterable[tuple[str, str]],
) -> Survivors:
    """Who stays of a day whose last second is `age_days` old: those whose period is longer than that, and the pinned.

    A workflow in a project of records is kept as long as those must be, whatever its own period says: a period of a
    workflow may be older than the class of its project.
    """
    known = list(periods)
    floors = {p.project: min(p.metadata_days, RECORD_DAYS) for p in known if p.is_record and not p.workflow}
    projects: dict[str, bool] = {}
    workflows: dict[tuple[str, str], bool] = {}
    for period in known:
        days = period.content_days if content else period.metadata_days
        if period.workflow and not content and not period.override:
            days = max(days, floors.get(period.project, 0))
        stays = days >= age_days
        if period.workflow:
            workflows[(period.project, period.workflow)] = stays
        else:
            projects[period.project] = stays
    return Survivors(default_days >= age_days, projects, workflows, frozenset(pinned))


def split(names: Mapping[str, bool]) -> tuple[Sequence[str], Sequence[str]]:
    """Those that stay and those that go, each in order."""
    return sorted(n for n, stays in names.items() if stays), sorted(n for n, stays in names.items() if not stays)
