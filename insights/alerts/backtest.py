"""What a rule would have done to stored history: the live steps, one after the other, over sums prepared once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from insights.alerts.evaluators.findings import calm_again_ns
from insights.alerts.inputs import Key, Told, Trouble
from insights.alerts.machine import RESOLVE_SHARE, AlertState, Notice
from insights.alerts.metrics import METRICS, NAMES, Sums
from insights.alerts.rule import FROM_FINDINGS, Rule, RuleType, WhenSilent
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


class Series:
    """Sums of one workflow in buckets that had runs, oldest first, with running totals over them."""

    def __init__(self, starts_ns: np.ndarray, sums: Mapping[str, np.ndarray]) -> None:
        self.starts = np.asarray(starts_ns, dtype=np.int64)
        self._cells = np.column_stack([np.asarray(sums[name], dtype=np.int64) for name in NAMES]).reshape(
            -1, len(NAMES)
        )
        self._totals = np.vstack([np.zeros((1, len(NAMES)), np.int64), np.cumsum(self._cells, axis=0)])

    def has_runs(self, since_ns: int, until_ns: int) -> bool:
        """Whether a run began between two moments."""
        low, high = np.searchsorted(self.starts, (since_ns, until_ns))
        return bool(low < high)

    def windows(self, ends_ns: np.ndarray, length_ns: int) -> Sums:
        """The sums of many windows at once: every field an array, one element per end."""
        low, high = np.searchsorted(self.starts, ends_ns - length_ns), np.searchsorted(self.starts, ends_ns)
        values = self._totals[high] - self._totals[low]
        # The slowest run of all stands for that of each window: too large at worst, which only costs a closer look.
        values[:, _SLOWEST] = self._cells[:, _SLOWEST].max() if len(self._cells) else 0
        return Sums(*values.T)

    def between(self, since_ns: int, until_ns: int) -> Sums | None:
        """The sums of one window; None without a run in it."""
        low, high = np.searchsorted(self.starts, (since_ns, until_ns))
        if low >= high:
            return None
        values = (self._totals[high] - self._totals[low]).tolist()
        values[_SLOWEST] = int(self._cells[low:high, _SLOWEST].max())
        return Sums(*values)


@dataclass(frozen=True, slots=True)
class History:
    """Inputs of one project over a stretch of the past. The windows of the rule begin and end between buckets."""

    series: Mapping[Key, Series]
    told: Sequence[Told] = ()
    budgets: Mapping[str, tuple[float, int]] = field(default_factory=dict)

    def only(self, key: Key) -> History:
        """The same history of one workflow and environment."""
        return History({key: self.series[key]}, self.told, self.budgets)

    def suspects(self, rule: Rule, key: Key, moments: np.ndarray) -> np.ndarray:
        """At which moments the rule may see something bad; never too few of them."""
        if rule.type is RuleType.PER_RUN:
            return np.asarray(self._matching(rule, key, moments) > 0, dtype=bool)
        values, silent = self._values(rule, key, moments)
        if rule.above is not None:
            return np.asarray(values > _nearest(rule), dtype=bool)
        return np.asarray((values < _nearest(rule)) | (silent & (rule.when_silent is WhenSilent.ZERO)), dtype=bool)

    def calm(self, rule: Rule, key: Key, moments: np.ndarray) -> np.ndarray:
        """At which moments the rule may see something good, or nothing; never too few of them."""
        if rule.type is RuleType.PER_RUN:
            return np.asarray(self._matching(rule, key, moments) == 0, dtype=bool)
        values, silent = self._values(rule, key, moments)
        if rule.above is None:
            # A rate just above its floor is no calm yet; looking closer at all of them costs little.
            return np.asarray(~(values < _nearest(rule)) | silent, dtype=bool)
        if rule.metric == "max_duration_s":
            return np.ones(len(moments), dtype=bool)
        return np.asarray(~(values > _nearest(rule) * RESOLVE_SHARE) | silent, dtype=bool)

    def turns(self, rule: Rule, moments: np.ndarray) -> np.ndarray:
        """The positions of the moments at which a finding may be seen otherwise than before."""
        at = (
            t
            for told in self.told
            if told.type is rule.type
            for t in (told.detected_ns, told.ended_ns, calm_again_ns(told))
        )
        found: np.ndarray = np.unique(
            np.searchsorted(moments, np.array([t for t in at if t is not None], dtype=np.int64))
        )
        return found

    def _matching(self, rule: Rule, key: Key, moments: np.ndarray) -> np.ndarray:
        return np.asarray(self.series[key].windows(moments, rule.window_s * SECOND_NS).matching)

    def _values(self, rule: Rule, key: Key, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The metric at every moment, NaN where there is nothing to divide by; and where no run is."""
        sums = self.series[key].windows(moments, rule.window_s * SECOND_NS)
        metric = METRICS[rule.metric]
        top = np.asarray(metric.top(sums), dtype=np.float64)
        under = np.ones_like(top) if metric.under is None else np.asarray(metric.under(sums), dtype=np.float64)
        values = np.divide(top, under, out=np.full_like(top, np.nan), where=under > 0)
        return values, np.asarray(sums.runs) == 0

    def sums(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, Sums]:
        """Sums of a window; its ends lie on bucket borders."""
        found = {k: s.between(since_ns, until_ns) for k, s in self.series.items() if rule.covers(*k)}
        return {key: sums for key, sums in found.items() if sums is not None}

    def known(self, rule: Rule, until_ns: int) -> frozenset[Key]:
        """Workflows with a run in the 30 days before."""
        return frozenset(
            key
            for key, series in self.series.items()
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
    """Every time the rule would have fired between two moments, oldest first.

    A rule that judges each workflow by its own sums is walked workflow by workflow, and only where something may be bad:
    an alert that stands at OK remembers nothing, so what lies between can be left out. So can what lies between two looks
    that may be good while it fires: only good looks end it.
    """
    moments = np.array(list(ticks(rule, since_ns, until_ns)), dtype=np.int64)
    if rule.type not in {RuleType.THRESHOLD, RuleType.PER_RUN}:
        worth = history.turns(rule, moments) if rule.type in FROM_FINDINGS else np.arange(len(moments))
        return _sorted(_walk(project, rule, history, moments, worth, worth))
    found: list[Episode] = []
    for key in history.series:
        if rule.covers(*key):
            own = history.only(key)
            suspects, calm = (np.flatnonzero(mask(rule, key, moments)) for mask in (history.suspects, history.calm))
            found += _walk(project, rule, own, moments, suspects, calm)
    return _sorted(found)


def _sorted(episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    return tuple(sorted(episodes, key=lambda e: (e.began_ns, e.subject.workflow)))


def _nearest(rule: Rule) -> float:
    """The limit, or the warning before it."""
    if rule.above is not None:
        return rule.above if rule.warn is None else min(rule.above, rule.warn)
    below = rule.below or 0.0
    return below if rule.warn is None else max(below, rule.warn)


_RESTING = frozenset({AlertState.OK, AlertState.NO_DATA})


def _walk(
    project: str, rule: Rule, history: History, moments: np.ndarray, suspects: np.ndarray, calm: np.ndarray
) -> list[Episode]:
    """Step through the moments; where all alerts rest, on to the next suspect; where one fires, on to the next calm one."""
    known: dict[str, Known] = {}
    open_: dict[str, Episode] = {}
    closed: list[Episode] = []
    at = 0
    while True:
        standings = [k.standing for k in known.values()]
        if all(s.state in _RESTING or (s.state is AlertState.FIRING and not s.good_looks) for s in standings):
            fires = any(s.state is AlertState.FIRING for s in standings)
            at = _next(calm if fires else suspects, at, len(moments))
        if at >= len(moments):
            break
        tick = int(moments[at])
        steps = take_step(project, rule, history, tick, known)
        for step in steps:
            if step.move.notice is Notice.FIRING:
                reading = step.reading
                open_[step.fingerprint] = Episode(step.subject, tick, None, reading.sentence, reading.run_ids)
            elif step.fingerprint in open_ and step.move.standing.state is not AlertState.FIRING:
                episode = open_.pop(step.fingerprint)
                closed.append(Episode(episode.subject, episode.began_ns, tick, episode.sentence, episode.run_ids))
        known = standings_after(known, steps)
        at += 1
    return [*closed, *open_.values()]


def _next(places: np.ndarray, at: int, end: int) -> int:
    """The first of the places that is not before `at`; the end where there is none."""
    position = int(np.searchsorted(places, at))
    return int(places[position]) if position < len(places) else end


def ticks(rule: Rule, since_ns: int, until_ns: int) -> Iterable[int]:
    """The moments at which a rule looks: multiples of `every_s`, as live evaluation does."""
    step = rule.every_s * SECOND_NS
    first = -(-since_ns // step) * step
    return range(first, until_ns + 1, step)
