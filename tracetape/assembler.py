"""Turns dirty traces into derived rows: debounced per trace, at most a tenth of a core each, never lost."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runs.assemble import assemble
from runs.pricing import PriceBook
from spans.errors import BusyError
from spans.facts import SpanFacts
from spans.ids import TraceId
from spans.naming import NamingRules
from spans.run import Assembly
from store.api import Store
from tracetape.judges import judge_all

logger = logging.getLogger(__name__)

TraceKey = tuple[str, TraceId]
"""Project and trace."""

QUIET_S = 0.25
"""How long a trace waits after its first span: long enough for the rest of the batch, short enough to feel live."""
AGAIN_S = 1.0
"""The least time between two assemblies of one trace."""
SHARE = 10.0
"""A trace that took t seconds to assemble waits 10 t: at most a tenth of a core for each."""
FAILED_PAUSE_S = 60.0
"""How long a trace that could not be assembled waits, unless more of it arrives."""
BATCH = 256
REMEMBERED = 10_000
"""Traces whose last assembly is remembered."""


@dataclass(slots=True)
class _Dirty:
    due: float
    spans: int
    logs: int
    neighbours_too: bool
    again: bool = False
    """Whether to write it even if the evidence is what it was: what judges it has changed."""


_AGAIN = _Dirty(0.0, 0, 0, neighbours_too=False, again=True)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is stored as evidence but not yet assembled."""

    traces: int
    spans: int
    logs: int


class Assembler:
    """Owns the set of dirty traces and the thread that empties it."""

    def __init__(
        self,
        store: Store,
        book: Callable[[], PriceBook],
        judge: Callable[[Sequence[Assembly]], list[Assembly]] = judge_all,
        naming: Callable[[str], NamingRules] = lambda _project: NamingRules(),
    ) -> None:
        self._store = store
        self._book = book
        self._judge = judge
        self._naming = naming
        self._dirty: dict[TraceKey, _Dirty] = {}
        self._busy: dict[TraceKey, _Dirty] = {}
        self._next_allowed: dict[TraceKey, float] = {}
        self._digests: dict[TraceKey, str] = {}
        self.written: Counter[str] = Counter()
        """Runs that were written, per project, since the start."""
        self._wake = threading.Condition()
        # Of two versions of a run with the same evidence the one written last counts: it has to be the one judged last.
        self._working = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="assembler", daemon=True)

    def start(self) -> None:
        """Begin assembling."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Assemble what is dirty now, then stop; gives up after `timeout_s` (a restart starts where this ended)."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def mark(
        self,
        project: str,
        traces: Mapping[TraceId, tuple[int, int]],
        *,
        neighbours_too: bool = True,
    ) -> None:
        """Note that these traces have new evidence: (spans, logs) each."""
        now = time.monotonic()
        with self._wake:
            for trace, (spans, logs) in traces.items():
                key = (project, trace)
                due = max(now + QUIET_S, self._next_allowed.get(key, 0.0))
                known = self._dirty.get(key)
                if known is None:
                    self._dirty[key] = _Dirty(due, spans, logs, neighbours_too)
                else:
                    known.due = min(known.due, due)
                    known.spans += spans
                    known.logs += logs
                    known.neighbours_too = known.neighbours_too or neighbours_too
            self._wake.notify_all()

    def backlog(self) -> Backlog:
        """What is not assembled yet, work in hand included."""
        with self._wake:
            waiting = [*self._dirty.values(), *self._busy.values()]
            return Backlog(len(waiting), sum(d.spans for d in waiting), sum(d.logs for d in waiting))

    def assemble_now(self, project: str, traces: Iterable[TraceId]) -> None:
        """Assemble these traces in the caller's thread, also where only what judges them changed.

        One that cannot be assembled stays as it was, and is told in the log.

        Raises:
            BusyError: the store is busy; some of them may be done.
        """
        keys = [(project, trace) for trace in traces]
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            try:
                self._assemble(dict.fromkeys(some, _AGAIN))
            except BusyError:
                raise
            except Exception:
                logger.exception("assembling failed; trying these traces again one by one")
                self._each_alone(some)

    def _each_alone(self, keys: Sequence[TraceKey]) -> None:
        for key in keys:
            try:
                self._assemble({key: _AGAIN})
            except BusyError:
                raise
            except Exception:
                logger.exception("a trace cannot be assembled now; its run stays as it was", extra={"trace": key[1]})

    def _loop(self) -> None:
        while True:
            batch = self._take()
            if batch is None:
                return
            try:
                self._assemble(batch)
            except BusyError as error:
                logger.warning("the store is busy; assembling again in a second", extra={"reason": str(error)})
                self._put_back(batch)
                time.sleep(AGAIN_S)
            except Exception:
                logger.exception("assembling failed; trying these traces again one by one")
                self._one_by_one(batch)
            finally:
                with self._wake:
                    self._busy.clear()

    def _take(self) -> dict[TraceKey, _Dirty] | None:
        with self._wake:
            while True:
                now = time.monotonic()
                due = sorted((d.due, key) for key, d in self._dirty.items() if self._stopping or d.due <= now)[:BATCH]
                if due:
                    self._busy = {key: self._dirty.pop(key) for _, key in due}
                    return dict(self._busy)
                if self._stopping:
                    return None
                soonest = min((d.due for d in self._dirty.values()), default=now + 60.0)
                self._wake.wait(max(0.01, soonest - now))

    def _put_back(self, batch: Mapping[TraceKey, _Dirty]) -> None:
        for (project, trace), dirty in batch.items():
            self.mark(project, {trace: (dirty.spans, dirty.logs)}, neighbours_too=dirty.neighbours_too)

    def _one_by_one(self, batch: Mapping[TraceKey, _Dirty]) -> None:
        for key, dirty in batch.items():
            try:
                self._assemble({key: dirty})
            except Exception:
                logger.exception("a trace cannot be assembled now; it stays pending", extra={"trace": key[1]})
                self._postpone(key, dirty)

    def _postpone(self, key: TraceKey, dirty: _Dirty) -> None:
        """Try again later, or as soon as more of it arrives: until then its spans count as pending, never as stored.

        While stopping it is let go: the watermark has not passed it, so the next start tries again.
        """
        with self._wake:
            if self._stopping:
                return
            dirty.due = time.monotonic() + FAILED_PAUSE_S
            newer = self._dirty.get(key)
            if newer is None:
                self._dirty[key] = dirty
            else:
                newer.spans += dirty.spans
                newer.logs += dirty.logs

    def _assemble(self, batch: Mapping[TraceKey, _Dirty]) -> None:
        with self._working:
            self._assemble_alone(batch)

    def _assemble_alone(self, batch: Mapping[TraceKey, _Dirty]) -> None:
        by_project: dict[str, list[TraceId]] = defaultdict(list)
        for project, trace in batch:
            by_project[project].append(trace)
        book = self._book()
        for project, traces in by_project.items():
            started = time.monotonic()
            grouped = _by_trace(self._store.read_facts(project, traces))
            neighbours = self._neighbours(project, grouped)
            naming = self._naming(project)
            fresh: list[Assembly] = []
            touched: set[TraceId] = set()
            for trace, facts in grouped.items():
                near = [f for key in _shared(facts) for f in neighbours.get(key, ()) if f.trace_id != trace]
                assembly = assemble(facts, book=book, neighbours=near, naming=naming)
                if batch[(project, trace)].again or self._digests.get((project, trace)) != assembly.run.digest:
                    fresh.append(assembly)
                    touched.update(f.trace_id for f in near)
            if fresh:
                self._store.write_derived(self._judge(fresh))
                self.written[project] += len(fresh)
                self._digests.update({(project, TraceId(a.run.run_id)): a.run.digest for a in fresh})
            self._pause(project, grouped, time.monotonic() - started)
            again = {t: (0, 0) for t in touched if (project, t) not in batch}
            if again and any(d.neighbours_too for d in batch.values()):
                self.mark(project, again, neighbours_too=False)
        self._forget_old()

    def _pause(self, project: str, grouped: Mapping[TraceId, Sequence[SpanFacts]], took_s: float) -> None:
        """Each trace waits in proportion to its part of the whole work: reading and writing count, not thinking alone."""
        now, every = time.monotonic(), sum(len(facts) for facts in grouped.values())
        with self._wake:
            for trace, facts in grouped.items():
                key = (project, trace)
                self._next_allowed[key] = now + max(AGAIN_S, SHARE * took_s * len(facts) / every)
                if key in self._dirty:  # more of it arrived meanwhile
                    self._dirty[key].due = max(self._dirty[key].due, self._next_allowed[key])

    def _neighbours(self, project: str, grouped: Mapping[TraceId, list[SpanFacts]]) -> dict[str, list[SpanFacts]]:
        keys = {key for facts in grouped.values() for key in _shared(facts)}
        if not keys:
            return {}
        others = self._store.traces_sharing(project, keys) - set(grouped)
        every = [f for facts in grouped.values() for f in facts]
        if others:
            every.extend(self._store.read_facts(project, others))
        found: dict[str, list[SpanFacts]] = defaultdict(list)
        for fact in every:
            for key in fact.shared_keys:
                if key in keys:
                    found[key].append(fact)
        return found

    def _forget_old(self) -> None:
        """Keep the two memories small; forgetting costs one extra assembly, never a wrong one."""
        while len(self._digests) > REMEMBERED:
            del self._digests[next(iter(self._digests))]
        if len(self._next_allowed) > REMEMBERED:
            now = time.monotonic()
            self._next_allowed = {k: t for k, t in self._next_allowed.items() if t > now}


def _by_trace(facts: Iterable[SpanFacts]) -> dict[TraceId, list[SpanFacts]]:
    grouped: dict[TraceId, list[SpanFacts]] = defaultdict(list)
    for fact in facts:
        grouped[fact.trace_id].append(fact)
    return grouped


def _shared(facts: Iterable[SpanFacts]) -> set[str]:
    return {key for fact in facts for key in fact.shared_keys}
