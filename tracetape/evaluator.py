"""Evaluates the detectors: incremental, one by one, on a grid of moments; the same code live and over history."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from insights.detectors import DETECTORS, Detector, Inputs
from insights.marks import seen_marks
from insights.policies import book_of
from spans.errors import BusyError
from spans.finding import Finding, FindingState
from store.api import Store
from store.ledger import Ledger
from store.ledger.findings import FindingQuery
from store.measures import LabelField

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
CATCH_UP = 8
"""Moments that are evaluated one by one after a pause; of a longer one only the last, with everything since in view."""
HOLD_NS = 3600 * 1_000_000_000
"""After a longer pause everything since stays in view while records wait to be stored, but no longer than this: a busy server
always has some on their way."""
BUSY_PAUSES_S = (5.0, 20.0, 60.0)
"""Waits before a moment of history is judged again while the store is busy."""
IDLE_NS = 3_600_000_000_000
"""How often a detector looks at a project in which nothing is written."""
CALM_NS = 15 * 60 * 1_000_000_000
"""How far a look must reach beyond the last write before that counts as seen: a moment lies behind the clock (a detector's lag and
its grid), and a sender's clock may be ahead of it."""
FAILED_PAUSE_S = 600.0
"""How long a detector that failed waits before it is asked again."""
FIRST_NS = 24 * 3600 * 1_000_000_000
"""How far back the first evaluation of a project looks."""

MARKS_NS = 28 * 24 * 3600 * 1_000_000_000
"""How far back labels are looked at to tell which are new."""
HISTORY_NS = 14 * 24 * 3600 * 1_000_000_000
"""How far the first evaluation of a project goes back."""
FIRST_STEP_NS = 6 * 3600 * 1_000_000_000
LATE_NS = 3600 * 1_000_000_000
"""Runs that began this long before a project was first seen are its history; while they still arrive, it pours in."""
SETTLE_LOOKS = 360
"""Looks that a first evaluation waits for the history of a project to arrive, at most: an hour."""
AT_ONCE_NS = 60 * 1_000_000_000
"""Detectors that look every minute wait for nothing: their overlap covers what is still on its way."""
TELL_NS = 24 * 3600 * 1_000_000_000
"""News of older moments is kept, not told: nobody wants messages about last week."""
STANDING = (FindingState.OPEN.value, FindingState.EXPECTED.value, FindingState.SILENCED.value)

Told = Callable[[Sequence[Finding]], object]


@dataclass(frozen=True, slots=True)
class DetectorStatus:
    """What became of a detector's last evaluation."""

    name: str
    evaluated_ns: int
    took_s: float
    failures: int
    """In a row."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Pouring:
    """How much of a project's history one detector has seen arrive."""

    edge_ns: int
    """History is what began before this."""
    runs: int = -1
    looks: int = 0


class Evaluator:
    """Owns the thread that asks every detector in turn. `stop` works before `start`, and twice."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        detectors: Sequence[Detector] = DETECTORS,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        told: Told = lambda _findings: None,
        moved: Callable[[str], int] | None = None,
        waiting: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wire it up.

        Args:
            store: what is judged.
            ledger: where findings and the moment of the last evaluation are kept.
            detectors: all of them.
            clock_ns: the time of live evaluation.
            told: is handed what was opened, reopened, closed or became more severe, after it is stored.
            moved: a number per project that changes whenever a run of it is written; without it, something always moved.
            waiting: whether accepted records are not stored and assembled yet.
        """
        self._store = store
        self._ledger = ledger
        self._detectors = tuple(detectors)
        self._clock_ns = clock_ns
        self._told = told
        self._moved = moved
        self._waiting = waiting
        self._held: dict[tuple[str, str], tuple[int, int]] = {}
        """Per detector and project that came back from a pause: when it did, and the moment it judged last."""
        self._movement: dict[str, tuple[int, int]] = {}
        """Per project: the number, and when it was first seen."""
        self._status: dict[str, DetectorStatus] = {}
        self._paused_until: dict[str, float] = {}
        self._pouring: dict[tuple[str, str], _Pouring] = {}
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name="evaluator", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End after the detector in hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def status(self) -> tuple[DetectorStatus, ...]:
        """How every detector that was ever asked is doing."""
        return tuple(self._status.values())

    def evaluate_due(self) -> int:
        """Ask every detector whose next moment has come; returns how many evaluations were made."""
        made = 0
        for project in self._store.projects():
            for detector in self._detectors:
                if self._stop.is_set():
                    return made
                if time.monotonic() >= self._paused_until.get(detector.name, 0.0):
                    made += self._look(detector, project)
        return made

    def _look(self, detector: Detector, project: str) -> int:
        """One detector and project; once nothing was written for a while only time passes, and a look an hour is enough."""
        moments = self._due(detector, project)
        last_ns = self._last_moved_ns(project)
        if moments and last_ns is not None and moments[0][0] >= last_ns + CALM_NS:
            before, newest = moments[0][0], moments[-1][1]
            moments = [(before, newest)] if newest - before >= IDLE_NS else []
        return self._guarded(detector, project, moments)

    def _last_moved_ns(self, project: str) -> int | None:
        """When it was noticed that a run of the project was written; None where nobody says."""
        if self._moved is None:
            return None
        now = self._moved(project)
        if self._movement.get(project, (None, 0))[0] != now:
            self._movement[project] = (now, self._clock_ns())
        return self._movement[project][1]

    def evaluate_history(self, project: str, since_ns: int, until_ns: int, every_ns: int) -> Iterator[tuple[int, int]]:
        """Judge stored history as if time passed: at every step all detectors; yields (moment, statements made).

        Findings are told to nobody, and what live evaluation has reached is not moved.

        Raises:
            BusyError: the store is busy, and still is after three waits of a minute and a half in all.
        """
        while self._store.roll_up():
            pass
        at_ns = since_ns
        while at_ns < until_ns:
            before, at_ns = at_ns, min(at_ns + every_ns, until_ns)
            made = 0
            with self._one_at_a_time:
                for detector in self._detectors:
                    try:
                        made += len(self._patiently(detector, project, before, at_ns))
                    except BusyError:
                        raise
                    except Exception as error:
                        logger.exception("a detector failed over history", extra={"detector": detector.name})
                        self._note(detector, at_ns, 0.0, error)
            yield at_ns, made

    def _loop(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self.evaluate_due()
            except BusyError as error:
                logger.warning("the store is busy; evaluating again in a moment", extra={"reason": str(error)})
            except Exception:
                logger.exception("evaluation failed; trying again in a moment")

    def _due(self, detector: Detector, project: str) -> list[tuple[int, int]]:
        """The (before, moment) pairs that live evaluation owes, oldest first."""
        newest = (self._clock_ns() - detector.lag_ns) // detector.every_ns * detector.every_ns
        reached = int(str(self._ledger.settings.get(_mark(detector, project), 0)))
        if not reached:
            return self._first(detector, project, newest)
        steps = (newest - reached) // detector.every_ns
        if steps <= 0:
            return []
        if steps > CATCH_UP:
            _, seen_ns = self._held.setdefault((detector.name, project), (self._clock_ns(), reached))
            return [(reached, newest)] if newest > seen_ns or not self._is_held(detector, project) else []
        moments = [reached + n * detector.every_ns for n in range(steps + 1)]
        return list(itertools.pairwise(moments))

    def _first(self, detector: Detector, project: str, newest: int) -> list[tuple[int, int]]:
        """A project that is new to a detector: its history in steps, once that has stopped pouring in."""
        waits = detector.every_ns > AT_ONCE_NS
        if waits and self._is_pouring(detector.name, project, newest):
            return []
        seen = self._store.measures.activity(project, newest - HISTORY_NS, newest)
        oldest = min((activity.first_ns for activity in seen), default=newest)
        if oldest >= newest - FIRST_NS:
            return [(newest - max(FIRST_NS, detector.every_ns), newest)]
        step = max(FIRST_STEP_NS, detector.every_ns)
        moments = [*range(newest, oldest, -step)][::-1]
        return list(itertools.pairwise([moments[0] - step, *moments]))

    def _is_pouring(self, name: str, project: str, newest: int) -> bool:
        """Whether the history of a project grew since the last look. The first look cannot tell, and counts as growing."""
        before = self._pouring.get((name, project), _Pouring(newest - LATE_NS))
        seen = self._store.measures.activity(project, before.edge_ns - HISTORY_NS, before.edge_ns)
        runs = sum(activity.runs for activity in seen)
        if runs == before.runs or before.looks >= SETTLE_LOOKS:
            return False
        self._pouring[name, project] = replace(before, runs=runs, looks=before.looks + 1)
        return True

    def _guarded(self, detector: Detector, project: str, moments: Sequence[tuple[int, int]]) -> int:
        """Evaluate; an error in one detector never stalls the rest, and its own next try is put off."""
        made = 0
        for before, at_ns in moments:
            try:
                with self._one_at_a_time:
                    # Asked before the look: what was stored during it may be in it or not.
                    is_held = self._is_held(detector, project)
                    news = self._evaluate(detector, project, before, at_ns)
                    self._reach(detector, project, at_ns, is_held=is_held)
            except BusyError:
                logger.warning("a detector found the store busy", extra={"detector": detector.name})
                return made
            except Exception as error:
                logger.exception("a detector failed; it is asked again later", extra={"detector": detector.name})
                self._paused_until[detector.name] = time.monotonic() + FAILED_PAUSE_S
                self._note(detector, at_ns, 0.0, error)
                return made
            made += 1
            if news and at_ns >= self._clock_ns() - TELL_NS:
                self._told(news)
        return made

    def _is_held(self, detector: Detector, project: str) -> bool:
        """Whether a detector that came back from a pause has to see all of it again, because records of it still wait."""
        held = self._held.get((detector.name, project))
        return held is not None and self._clock_ns() - held[0] < HOLD_NS and self._waiting()

    def _reach(self, detector: Detector, project: str, at_ns: int, *, is_held: bool) -> None:
        """Note how far a detector came: in the ledger, or while it is held only here."""
        key = (detector.name, project)
        if is_held:
            self._held[key] = (self._held[key][0], at_ns)
            return
        self._held.pop(key, None)
        self._ledger.settings.put(_mark(detector, project), at_ns)

    def _evaluate(self, detector: Detector, project: str, before_ns: int, at_ns: int) -> tuple[Finding, ...]:
        """One detector, one project, one moment."""
        started = time.monotonic()
        if detector.marks_changes:
            self._mark_changes(project, at_ns)
        found = tuple(detector.evaluate(self._inputs(detector, project, before_ns, at_ns)))
        foreign = {f.kind for f in found} - set(detector.kinds)
        if foreign:
            raise ValueError(f"the detector {detector.name} states kinds that are not its own: {sorted(foreign)}")
        news = self._ledger.findings.record(found, at_ns, detector.again_ns)
        if detector.quiet_ns:
            news += self._ledger.findings.close_unseen(project, detector.kinds, at_ns, detector.quiet_ns)
        self._note(detector, at_ns, time.monotonic() - started)
        return news

    def _patiently(self, detector: Detector, project: str, before_ns: int, at_ns: int) -> tuple[Finding, ...]:
        """Over history a store that is busy is waited for: a moment that is skipped would not come again."""
        for pause_s in BUSY_PAUSES_S:
            try:
                return self._evaluate(detector, project, before_ns, at_ns)
            except BusyError as error:
                logger.warning("the store is busy; evaluating again", extra={"reason": str(error), "pause_s": pause_s})
                if self._stop.wait(pause_s):
                    raise
        return self._evaluate(detector, project, before_ns, at_ns)

    def _mark_changes(self, project: str, at_ns: int) -> None:
        """Mark versions, models, prompts and tool schemas that appeared in the last weeks."""
        for field in LabelField:
            labels = self._store.measures.labels(project, field, at_ns - MARKS_NS, at_ns)
            self._ledger.marks.add(seen_marks(project, field, labels))

    def _inputs(self, detector: Detector, project: str, before_ns: int, at_ns: int) -> Inputs:
        standing = FindingQuery(
            project, kinds=tuple(kind.value for kind in detector.kinds), states=STANDING, until_ns=at_ns, limit=10_000
        )
        known = self._ledger.findings.list(standing)
        return Inputs(
            project,
            before_ns - detector.overlap_ns,
            at_ns,
            self._store,
            book_of(self._ledger.policies.current(project)),
            accepted=self._ledger.accepted.of(project),
            changes=self._ledger.marks.list(project, until_ns=at_ns),
            is_past=at_ns < self._clock_ns() - detector.lag_ns - 2 * detector.every_ns,
            known={f.fingerprint: f for f in known if f.last_seen_ns >= at_ns - detector.again_ns},
        )

    def _note(self, detector: Detector, at_ns: int, took_s: float, error: Exception | None = None) -> None:
        before = self._status.get(detector.name)
        failures = 0 if error is None else (before.failures if before else 0) + 1
        said = "" if error is None else f"{type(error).__name__}"
        self._status[detector.name] = DetectorStatus(detector.name, at_ns, took_s, failures, said)


def _mark(detector: Detector, project: str) -> str:
    return f"evaluated.{detector.name}.{project}"
