"""What a rule would have done to stored history: the live steps, one after the other, over sums prepared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np

from insights.alerts.inputs import Key, Told, Trouble
from insights.alerts.machine import AlertState, Notice
from insights.alerts.metrics import NAMES, Sums
from insights.alerts.rule import Rule
from insights.alerts.steps import Known, Subject, standings_after, take_step

SECOND_NS = 1_000_000_000
KNOWN_NS = 30 * 86_400 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Episode:
    """One time an alert fired; `ended_ns` is None while it fires."""

    subject: Subject
    began_ns: int
    ended_ns: int | None
    sentence: str
    run_ids: tuple[str, ...] = ()


_SLOWEST = NAMES.index("slowest_ns")


class _Series:
    """Sums of one workflow in buckets that had runs, with running totals over them."""

    def __init__(self, cells: Sequence[tuple[int, Sums]]) -> None:
        ordered = sorted(cells, key=lambda cell: cell[0])
        self.starts = np.array([start for start, _ in ordered], dtype=np.int64)
        self._cells = np.array([astuple(sums) for _, sums in ordered], dtype=np.int64).reshape(-1, len(NAMES))
        self._totals = np.vstack([np.zeros((1, len(NAMES)), np.int64), np.cumsum(self._cells, axis=0)])

    def has_runs(self, since_ns: int, until_ns: int) -> bool:
        low, high = np.searchsorted(self.starts, (since_ns, until_ns))
        return bool(low < high)

    def between(self, since_ns: int, until_ns: int) -> Sums | None:
        low, high = np.searchsorted(self.starts, (since_ns, until_ns))
        if low >= high:
            return None
        values = (self._totals[high] - self._totals[low]).tolist()
        values[_SLOWEST] = int(self._cells[low:high, _SLOWEST].max())
        return Sums(*values)


@dataclass(frozen=True, slots=True)
class History:
    """Inputs of one project over a stretch of the past. The windows of the rule begin and end between buckets."""

    buckets: Mapping[Key, Sequence[tuple[int, Sums]]]
    told: Sequence[Told] = ()
    budgets: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    _series: dict[Key, _Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add up every series once."""
        self._series.update((key, _Series(cells)) for key, cells in self.buckets.items())

    def sums(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, Sums]:
        """Sums of a window; its ends lie on bucket borders."""
        found = {k: s.between(since_ns, until_ns) for k, s in self._series.items() if rule.covers(*k)}
        return {key: sums for key, sums in found.items() if sums is not None}

    def known(self, rule: Rule, until_ns: int) -> frozenset[Key]:
        """Workflows with a run in the 30 days before."""
        return frozenset(
            key
            for key, series in self._series.items()
            if rule.covers(*key) and series.has_runs(until_ns - KNOWN_NS, until_ns)
        )

    def findings(self, rule: Rule, until_ns: int) -> Sequence[Told]:
        """Findings that had been detected by then."""
        return [told for told in self.told if told.type is rule.type and told.detected_ns <= until_ns]

    def budget(self, workflow: str) -> tuple[float, int] | None:
        """The budget in force now; history keeps none."""
        return self.budgets.get(workflow) or self.budgets.get("*")

    def troubles(self) -> Sequence[Trouble]:
        """The past health of tracetape itself is not kept."""
        return ()


def backtest(project: str, rule: Rule, history: History, since_ns: int, until_ns: int) -> tuple[Episode, ...]:
    """Every time the rule would have fired between two moments, oldest first."""
    known: dict[str, Known] = {}
    open_: dict[str, Episode] = {}
    closed: list[Episode] = []
    for tick in ticks(rule, since_ns, until_ns):
        steps = take_step(project, rule, history, tick, known)
        for step in steps:
            if step.move.notice is Notice.FIRING:
                reading = step.reading
                open_[step.fingerprint] = Episode(step.subject, tick, None, reading.sentence, reading.run_ids)
            elif step.fingerprint in open_ and step.move.standing.state is not AlertState.FIRING:
                episode = open_.pop(step.fingerprint)
                closed.append(Episode(episode.subject, episode.began_ns, tick, episode.sentence, episode.run_ids))
        known = standings_after(known, steps)
    return tuple(sorted((*closed, *open_.values()), key=lambda e: (e.began_ns, e.subject.workflow)))


def ticks(rule: Rule, since_ns: int, until_ns: int) -> Iterable[int]:
    """The moments at which a rule looks: multiples of `every_s`, as live evaluation does."""
    step = rule.every_s * SECOND_NS
    first = -(-since_ns // step) * step
    return range(first, until_ns + 1, step)
