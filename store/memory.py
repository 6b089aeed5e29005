"""The whole store in memory: the contract in its plainest form, for tests and for trying things out."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
from msgspec import structs

from spans.clean import CleanLog
from spans.errors import SettingsError
from spans.facts import SpanFacts
from spans.ids import RunId, SpanId, TraceId
from spans.kinds import OutcomeLabel, RunMode, RunStatus
from spans.policy import Policy
from spans.run import Assembly, Run, Step
from spans.whatif import WhatIf, what_if
from store import judged
from store.api import (
    CALLS_PER_HOUR,
    CONTENT_TABLES,
    EVIDENCE_TABLES,
    PER_HOUR,
    PREVIEWS,
    Bucket,
    ExportQuery,
    ExportTable,
    FleetRow,
    Gone,
    GoneReason,
    GroupRow,
    Page,
    RunQuery,
    Totals,
    TraceEvidence,
    TraceTimes,
)
from store.buckets import Buckets
from store.columns import plain_row
from store.cursor import cursor_after
from store.derived_rows import RUNS, STEPS, expired, trace_ids
from store.evidence import newest_facts, winners
from store.filters import Where, run_field, where
from store.group_orders import group_order
from store.hours import CallField, CallRow, HourField, HourQuery, HourRow, HourUnit, call_hours, run_hours, unit_of
from store.judged import AttemptGroup, AttemptQuery, AttemptRow, EconomicsRow, OfferedTool, UsedTool, WriteRow
from store.memory_measures import MemoryMeasures
from store.orders import order_of
from store.outline import Outline, outline_of
from store.privacy import FoundColumn, Hidden, HiddenQuery, found_in, summed
from store.rows import log_of
from store.sums import SUM_FIELDS, RunBound, RunSeries, RunSums, ends_of, series_of, sums_of
from store.survivors import NOBODY, Survivors

Item = TypeVar("Item", Run, Step)

_KEYS = {
    "spans": ("received_day", "project", "trace_id", "span_id", "content_hash"),
    "span_contents": ("received_day", "project", "trace_id", "span_id", "content_hash"),
    "logs": ("received_day", "project", "trace_id", "span_id", "log_id"),
    "facts": ("received_day", "project", "trace_id", "span_id", "source", "content_hash", "score"),
}


class MemoryStore:
    """Implements `store.api.Store` with dictionaries; rows pass through the same conversions as in an engine."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._evidence: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in EVIDENCE_TABLES}
        self._derived: dict[tuple[str, RunId], Assembly] = {}
        self._days: dict[tuple[str, RunId], date] = {}
        self._gone: dict[tuple[str, TraceId], Gone] = {}
        self._dirty: set[HourUnit] = set()
        self._summed: dict[HourUnit, list[Assembly]] = {}
        self.measures = MemoryMeasures(self._assemblies)

    def migrate(self) -> None:
        """Nothing to bring up to date."""

    def write_evidence(self, tables: Mapping[str, pa.Table]) -> None:
        """Keep the rows; the same row twice is one row."""
        with self._lock:
            for name, table in tables.items():
                for raw in table.to_pylist():
                    row = plain_row(raw)
                    self._evidence[name].setdefault(tuple(row[key] for key in _KEYS[name]), row)

    def read_facts(self, project: str, trace_ids: Collection[TraceId]) -> list[SpanFacts]:
        """Facts of these traces."""
        wanted = set(trace_ids)
        return newest_facts(row for row in self._rows("facts", project) if row["trace_id"] in wanted)

    def traces_sharing(self, project: str, keys: Collection[str]) -> set[TraceId]:
        """Traces with one of these keys."""
        wanted = set(keys)
        return {TraceId(r["trace_id"]) for r in self._rows("facts", project) if wanted.intersection(r["shared_keys"])}

    def recent_traces(self, project: str | None, since_received_ns: int) -> list[tuple[str, TraceId]]:
        """Traces that received evidence since then."""
        return sorted(
            {
                (row["project"], TraceId(row["trace_id"]))
                for row in self._rows("facts", project)
                if row["received_ns"] >= since_received_ns
            },
        )

    def newest_by_trace(self, since_received_ns: int) -> dict[tuple[str, TraceId], int]:
        """When the newest evidence of each trace arrived."""
        found: dict[tuple[str, TraceId], int] = {}
        for row in self._rows("facts", None):
            if row["received_ns"] >= since_received_ns:
                key = (row["project"], TraceId(row["trace_id"]))
                found[key] = max(found.get(key, 0), row["received_ns"])
        return found

    def received_moments(
        self, signal: Literal["spans", "logs"], since_ns: int, until_ns: int, limit: int
    ) -> tuple[tuple[int, int], ...]:
        """The first moments of a period at which items were received."""
        received = Counter(row["received_ns"] for row in self._rows(signal, None))
        return tuple(sorted((at, n) for at, n in received.items() if since_ns <= at <= until_ns))[:limit]

    def received_traces(self, moments: Collection[int]) -> tuple[tuple[str, TraceId], ...]:
        """Traces of which spans were received at these moments."""
        wanted = set(moments)
        rows = (row for row in self._rows("spans", None) if row["received_ns"] in wanted)
        return tuple(sorted({(row["project"], TraceId(row["trace_id"])) for row in rows}))

    def received_logs(self, moments: Collection[int]) -> tuple[CleanLog, ...]:
        """Log records that were received at these moments."""
        wanted = set(moments)
        rows = [row for row in self._rows("logs", None) if row["received_ns"] in wanted]
        rows.sort(key=lambda row: (row["received_ns"], row["segment"], row["slot"], row["position"]))
        once = {(row["project"], row["trace_id"], row["span_id"], row["log_id"]): row for row in reversed(rows)}
        return tuple(log_of(row) for row in reversed(once.values()))

    def recent_items(self, since_received_ns: int, limit: int) -> list[tuple[str, str, str, str, str, int]]:
        """Items received since then."""
        found: list[tuple[str, str, str, str, str, int]] = []
        for table, item in (("spans", "span_id"), ("logs", "log_id")):
            rows = [row for row in self._rows(table, None) if row["received_ns"] >= since_received_ns]
            rows.sort(key=lambda row: row["received_ns"])
            found += [
                (table, row["project"], row["trace_id"], row[item], row["segment"], row["slot"])
                for row in rows[-limit:]
            ]
        return found

    def write_derived(self, assemblies: Sequence[Assembly]) -> None:
        """Replace runs whose version is not lower."""
        with self._lock:
            for assembly in assemblies:
                key = (assembly.run.project, assembly.run.run_id)
                known = self._derived.get(key)
                if known is None or assembly.run.version >= known.run.version:
                    day = self._days.setdefault(key, assembly.run.first_received_day)
                    if known is not None:
                        self._dirty.add(unit_of(known.run, day))
                    kept = _through_rows(assembly)
                    if known is not None and known.run.content_expired_ns:
                        run = structs.replace(kept.run, content_expired_ns=known.run.content_expired_ns)
                        kept = structs.replace(kept, run=run)
                    self._derived[key] = kept
                    self._dirty.add(unit_of(self._derived[key].run, day))

    def read_evidence(self, project: str, trace_id: TraceId, span_id: SpanId | None = None) -> TraceEvidence:
        """Evidence of one trace or span."""
        return self._winners(project, trace_id, None if span_id is None else {span_id})

    def read_evidence_of(self, project: str, trace_id: TraceId, span_ids: Collection[SpanId]) -> TraceEvidence:
        """Evidence of some spans."""
        return self._winners(project, trace_id, set(span_ids))

    def read_traces(self, project: str, trace_ids: Collection[TraceId]) -> dict[TraceId, TraceEvidence]:
        """Evidence of some traces."""
        found = {trace: self._winners(project, trace, None) for trace in set(trace_ids)}
        return {trace: evidence for trace, evidence in found.items() if evidence.spans or evidence.logs}

    def _winners(self, project: str, trace_id: TraceId, span_ids: set[SpanId] | None) -> TraceEvidence:
        def of(name: str) -> list[dict[str, Any]]:
            rows = (row for row in self._rows(name, project) if row["trace_id"] == trace_id)
            return [row for row in rows if span_ids is None or (row["span_id"] or row["log_id"][:16]) in span_ids]

        return winners(of("spans"), of("span_contents"), of("logs"))

    def find_runs(self, query: RunQuery) -> Page[Run]:
        """One page of runs."""
        shown, order = self._where(query, with_cursor=True), order_of(query.order)
        kept = filter(shown.holds, self._runs())
        found = sorted(kept, key=lambda run: (order.of(run), run.run_id), reverse=order.is_down)
        rows = tuple(found[: query.limit])
        more = len(found) > query.limit and rows
        cursor = cursor_after(rows[-1], order) if more else None
        return Page(rows, cursor, shown.sentence)

    def read_run(self, project: str, run_or_trace: TraceId) -> Run | None:
        """The run of an id, or of a trace in it."""
        with self._lock:
            own = self._derived.get((project, RunId(run_or_trace)))
            if own is not None:
                return own.run
            inside = [
                a.run for a in self._derived.values() if a.run.project == project and run_or_trace in trace_ids(a)
            ]
        return max(inside, key=lambda run: (run.started_ns, run.run_id), default=None)

    def read_steps(self, project: str, run_id: RunId) -> tuple[Step, ...]:
        """Steps of a run."""
        with self._lock:
            assembly = self._derived.get((project, run_id))
        if assembly is None:
            return ()
        steps = sorted(assembly.steps, key=lambda step: step.ordinal)
        return tuple(expired(step) if assembly.run.content_expired_ns else step for step in steps)

    def read_outline(self, project: str, run_id: RunId) -> Outline:
        """The tree of a run in columns."""
        return outline_of(self.read_steps(project, run_id))

    def read_steps_at(self, project: str, run_id: RunId, ordinals: Collection[int]) -> tuple[Step, ...]:
        """Some steps of a run."""
        wanted = set(ordinals)
        return tuple(step for step in self.read_steps(project, run_id) if step.ordinal in wanted)

    def read_step(self, project: str, run_id: RunId, span_id: SpanId) -> Step | None:
        """One step of a run."""
        return next((step for step in self.read_steps(project, run_id) if step.span_id == span_id), None)

    def totals(self, query: RunQuery) -> Totals:
        """Sums over the runs that match."""
        return _totals(filter(self._where(query).holds, self._runs()))

    def series(self, query: RunQuery, buckets: int) -> tuple[Bucket, ...]:
        """Totals per part of the range."""
        found = list(filter(self._where(query).holds, self._runs()))
        parts = Buckets.of(query, buckets, [run.started_ns for run in found])
        grouped: defaultdict[int, list[Run]] = defaultdict(list)
        for run in found:
            grouped[parts.index(run.started_ns)].append(run)
        return tuple(Bucket(parts.start(n), _totals(grouped.get(n, ()))) for n in range(parts.count))

    def shape_series(self, query: RunQuery, buckets: int) -> dict[str, tuple[Bucket, ...]]:
        """Runs of each shape per part of the range."""
        anyhow = replace(query, shape=())
        found = list(filter(self._where(anyhow).holds, self._runs()))
        parts = Buckets.of(query, buckets, [run.started_ns for run in found])
        counts: defaultdict[str, defaultdict[int, list[Run]]] = defaultdict(lambda: defaultdict(list))
        for run in found:
            counts[run.shape.value][parts.index(run.started_ns)].append(run)
        return {
            shape: tuple(Bucket(parts.start(n), _light(_totals(some.get(n, ())))) for n in range(parts.count))
            for shape, some in counts.items()
        }

    def fleet(self, query: RunQuery) -> tuple[FleetRow, ...]:
        """One row per workflow and environment."""
        grouped: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
        for run in filter(self._where(query).holds, self._runs()):
            grouped[run.workflow, run.environment].append(run)
        rows = [
            FleetRow(
                workflow,
                environment,
                _totals(runs),
                max(run.started_ns for run in runs),
                _p95([run.duration_ns for run in runs if run.status is not RunStatus.RUNNING]),
            )
            for (workflow, environment), runs in grouped.items()
        ]
        return tuple(sorted(rows, key=lambda row: (-row.totals.runs, row.workflow, row.environment)))

    def roll_up(self, limit: int = 1_000) -> int:
        """Remember which runs each dirty hour has now."""
        with self._lock:
            ready = sorted(self._dirty)[:limit]
            self._dirty.difference_update(ready)
            now: defaultdict[HourUnit, list[Assembly]] = defaultdict(list)
            for key, assembly in self._derived.items():
                now[unit_of(assembly.run, self._days[key])].append(assembly)
            for unit in ready:
                self._summed[unit] = now[unit]
            return len(ready)

    def dirty_hours(self) -> int:
        """How many hours wait."""
        return len(self._dirty)

    def hours(self, query: HourQuery, by: Sequence[HourField] = PER_HOUR) -> tuple[HourRow, ...]:
        """Sums over runs."""
        return run_hours(self._in_hours(), query, by)

    def call_hours(self, query: HourQuery, by: Sequence[CallField] = CALLS_PER_HOUR) -> tuple[CallRow, ...]:
        """Sums over calls."""
        return call_hours(self._in_hours(), query, by)

    def run_sums(self, query: RunQuery, width_ns: int, bounds: Sequence[RunBound] = ()) -> tuple[RunSums, ...]:
        """Sums per workflow, environment and part of the range."""
        since_ns = ends_of(query, bounds)[0]
        holds = self._where(query).holds
        with self._lock:
            found = [(a.run, a.steps) for a in self._derived.values() if holds(a.run)]
        return sums_of(found, since_ns, width_ns, bounds)

    def run_series(self, query: RunQuery, width_ns: int, bounds: Sequence[RunBound] = ()) -> tuple[RunSeries, ...]:
        """The same sums as arrays."""
        rows = sorted(self.run_sums(query, width_ns, bounds), key=lambda s: (s.workflow, s.environment, s.start_ns))
        columns = {name: np.array([getattr(row, name) for row in rows]) for name in ("start_ns", *SUM_FIELDS)}
        return series_of(columns, [row.workflow for row in rows], [row.environment for row in rows])

    def attempt_groups(self, query: AttemptQuery, before_ns: int) -> tuple[AttemptGroup, ...]:
        """Kinds of attempts."""
        return judged.attempt_groups(self._runs(), query, before_ns)

    def attempts(self, query: AttemptQuery, limit: int) -> tuple[AttemptRow, ...]:
        """Attempts that match."""
        return judged.attempt_rows(self._runs(), query, limit)

    def economics(self, query: RunQuery, by: str = "") -> tuple[EconomicsRow, ...]:
        """Sums behind cost per success."""
        of = run_field(by).of if by else (lambda _run: ("",))
        grouped: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
        for run in filter(self._where(query).holds, self._runs()):
            for value in of(run):
                grouped[value, run.environment].append(run)
        own = {run.run_id: run for run in self._runs() if run.project == query.project}
        return judged.economics_of(grouped, own)

    def offered_tools(self, query: RunQuery) -> tuple[OfferedTool, ...]:
        """Tools that were offered."""
        return judged.offered_tools(filter(self._where(query).holds, self._runs()))

    def used_tools(self, query: RunQuery) -> tuple[UsedTool, ...]:
        """Tools that were called."""
        holds = self._where(query).holds
        return judged.used_tools(a for a in self._assemblies() if holds(a.run))

    def repeated_writes(self, project: str, since_ns: int, until_ns: int) -> tuple[WriteRow, ...]:
        """Successful calls with equal arguments."""
        own = (a for a in self._assemblies() if a.run.project == project)
        return judged.repeated_writes(own, since_ns, until_ns)

    def blind_workflows(self, query: RunQuery) -> tuple[str, ...]:
        """Workflows without any content."""
        runs = [
            r for r in filter(self._where(query).holds, self._runs()) if r.workflow and r.model_calls + r.tool_calls
        ]
        seen = {r.workflow for r in runs if r.input_preview or r.output_preview}
        counts = Counter(r.workflow for r in runs if r.workflow not in seen)
        return tuple(name for name, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:100])

    def run_ids(self, query: RunQuery, limit: int) -> tuple[RunId, ...]:
        """Ids of the runs that match."""
        found = sorted(
            filter(self._where(query).holds, self._runs()), key=lambda run: (run.started_ns, run.run_id), reverse=True
        )
        return tuple(run.run_id for run in found[:limit])

    def read_assemblies(self, project: str, run_ids: Sequence[RunId]) -> tuple[Assembly, ...]:
        """Whole runs with their steps."""
        with self._lock:
            found = [self._derived.get((project, run_id)) for run_id in dict.fromkeys(run_ids)]
        return tuple(assembly for assembly in found if assembly is not None)

    def values(self, query: RunQuery, field_name: str, limit: int = 50) -> tuple[tuple[str, int], ...]:
        """Values of a field with counts."""
        of = run_field(field_name).of
        counts = Counter(value for run in filter(self._where(query).holds, self._runs()) for value in of(run) if value)
        return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])

    def groups(self, query: RunQuery, field_name: str, order: str = "", limit: int = 50) -> tuple[GroupRow, ...]:
        """Sums over the runs of each value of a field."""
        of, ordered = run_field(field_name).of, group_order(order)
        grouped: defaultdict[str, list[Run]] = defaultdict(list)
        for run in filter(self._where(query).holds, self._runs()):
            for value in filter(None, of(run)):
                grouped[value].append(run)
        rows = [GroupRow(v, _totals(some), max(r.started_ns for r in some)) for v, some in grouped.items()]
        return tuple(ordered.sorted(rows)[:limit])

    def what_if(self, query: RunQuery, policy: Policy) -> WhatIf:
        """What a candidate policy would have meant."""
        runs = filter(self._where(query).holds, self._runs())
        return what_if(policy, [(run, self.read_steps(run.project, run.run_id)) for run in runs])

    def projects(self) -> tuple[str, ...]:
        """Projects with runs."""
        return tuple(sorted({run.project for run in self._runs()}))

    def drop_project(self, project: str) -> int:
        """Forget a project."""
        with self._lock:
            for rows in self._evidence.values():
                for key in [key for key, row in rows.items() if row["project"] == project]:
                    del rows[key]
            gone = [key for key in self._derived if key[0] == project]
            self._forget(gone)
            return len(gone)

    def drop_day(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Forget a received day but for the runs that stay."""
        removed = {}
        with self._lock:
            staying = self._staying(survivors)
            for name in EVIDENCE_TABLES:
                removed[name] = self._remove(name, lambda row: row["received_day"] == day and _key(row) not in staying)
            gone = self._of_day(day, survivors)
            removed["steps"] = sum(len(self._derived[key].steps) for key in gone)
            removed["runs"] = len(gone)
            self._note_gone([(p, t) for p, r in gone for t in trace_ids(self._derived[p, r])], GoneReason.EXPIRED)
            self._forget(gone)
        return removed

    def drop_content(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Forget the content of a received day and blank its previews, but for the runs that stay."""
        removed = {}
        with self._lock:
            staying = self._staying(survivors)
            for name in CONTENT_TABLES:
                removed[name] = self._remove(name, lambda row: row["received_day"] == day and _key(row) not in staying)
            blanked = 0
            for row in self._evidence["facts"].values():
                if row["received_day"] == day and _key(row) not in staying:
                    blanked += _blank_row(row, PREVIEWS["facts"])
            for key in self._of_day(day, survivors):
                assembly = self._derived[key]
                run, steps = assembly.run, assembly.steps
                at_ns = run.content_expired_ns or time.time_ns()
                bare = structs.replace(_blank(run, "runs"), content_expired_ns=at_ns)
                blank = tuple(_blank(step, "steps") for step in steps)
                self._derived[key] = structs.replace(assembly, run=bare, steps=blank)
                blanked += sum(old != new for old, new in zip((run, *steps), _items(self._derived[key]), strict=True))
        return {**removed, "previews": blanked}

    def preview_drop(self, day: date, survivors: Survivors, *, content: bool) -> dict[str, int]:
        """Rows that would go."""
        with self._lock:
            staying = self._staying(survivors)
            names = CONTENT_TABLES if content else EVIDENCE_TABLES
            found = {
                name: sum(r["received_day"] == day and _key(r) not in staying for r in self._evidence[name].values())
                for name in names
            }
            if not content:
                gone = self._of_day(day, survivors)
                found["steps"] = sum(len(self._derived[key].steps) for key in gone)
                found["runs"] = len(gone)
            return found

    def day_bytes(self, day: date) -> int:
        """Characters of a day's rows, roughly."""
        with self._lock:
            rows = [row for rows in self._evidence.values() for row in rows.values() if row["received_day"] == day]
        return sum(len(str(row)) for row in rows)

    def find_traces(self, project: str, text: str, until_ns: int | None = None) -> tuple[TraceId, ...]:
        """Traces with a text anywhere."""
        found = {row["trace_id"] for name in EVIDENCE_TABLES for row in self._rows(name, project) if text in str(row)}
        with self._lock:
            for assembly in self._derived.values():
                if assembly.run.project == project and text in str(assembly.run):
                    found.update(trace_ids(assembly))
        if until_ns is not None:
            first: dict[str, int] = {}
            for row in self._rows("facts", project):
                first[row["trace_id"]] = min(first.get(row["trace_id"], row["received_ns"]), row["received_ns"])
            found -= {trace for trace, at_ns in first.items() if at_ns > until_ns}
        return tuple(sorted(TraceId(trace) for trace in found))

    def times_of(self, project: str, traces: Sequence[TraceId]) -> TraceTimes | None:
        """When the spans and logs of some traces began and were received."""
        wanted, tables = set(traces), (("spans", "start_ns"), ("logs", "time_ns"))
        rows = [
            (r[at], r["received_ns"])
            for name, at in tables
            for r in self._rows(name, project)
            if r["trace_id"] in wanted
        ]
        if not rows:
            return None
        began, received = zip(*rows, strict=True)
        return TraceTimes(min(began), max(began), min(received), max(received))

    def count_traces(self, project: str, traces: Sequence[TraceId]) -> dict[str, int]:
        """Rows of some traces."""
        wanted = set(traces)
        with self._lock:
            found = {n: sum(r["trace_id"] in wanted for r in self._rows(n, project)) for n in EVIDENCE_TABLES}
            showing = [self._derived[key] for key in self._showing(project, wanted)]
            return {**found, "steps": sum(len(a.steps) for a in showing), "runs": len(showing)}

    def erase(self, project: str, traces: Sequence[TraceId], *, wait: bool = True) -> dict[str, int]:
        """Forget traces."""
        del wait
        wanted = set(traces)
        with self._lock:
            removed = self.count_traces(project, traces)
            for name in EVIDENCE_TABLES:
                self._remove(name, lambda row: row["project"] == project and row["trace_id"] in wanted)
            self._forget(self._showing(project, wanted))
            self._note_gone([(project, trace) for trace in wanted], GoneReason.ERASED)
        return removed

    def old_bytes_gone(self, until_s: float) -> bool:
        """Memory keeps no old files."""
        del until_s
        return True

    def why_gone(self, project: str, trace: TraceId) -> Gone | None:
        """Why a trace is gone."""
        return self._gone.get((project, trace))

    def export(self, query: ExportQuery, table: ExportTable) -> Iterator[pa.Table]:
        """Rows of one table in one piece."""
        since, until = query.since_ns or 0, query.until_ns if query.until_ns is not None else 2**64
        with self._lock:
            derived = [a for a in self._derived.values() if a.run.project == query.project]
        runs = [a for a in derived if since <= a.run.started_ns < until]
        if table is ExportTable.RUNS:
            found = RUNS.table([a.run for a in runs])
        elif table is ExportTable.STEPS:
            found = STEPS.table([step for a in runs for step in a.steps])
        else:
            time_of = "start_ns" if table is ExportTable.SPANS else "time_ns"
            id_of = "span_id" if table is ExportTable.SPANS else "log_id"
            once: dict[tuple[str, str], dict[str, Any]] = {}
            for row in sorted(self._rows(table.value, query.project), key=lambda row: row.get("score", 0)):
                if since <= row[time_of] < until:
                    once[row["trace_id"], row[id_of]] = {k: v for k, v in row.items() if not isinstance(v, dict)}
            found = pa.Table.from_pylist([{**row, "score": str(row.get("score", ""))} for row in once.values()])
        if found.num_rows:
            yield found

    def back_up(self, out: Path, meanwhile: Callable[[], None]) -> tuple[int, dict[str, dict[str, int]]]:
        """There is nothing on a disk."""
        raise SettingsError(f"A store in memory cannot be backed up to {out} ({meanwhile!r} was not run).")

    def put_back(self, source: Path, version: int) -> dict[str, dict[str, int]]:
        """There is nothing on a disk."""
        raise SettingsError(f"A store in memory cannot be filled from {source} (schema {version}).")

    def stored_days(self) -> tuple[date, ...]:
        """Received days that have rows."""
        with self._lock:
            days = {row["received_day"] for rows in self._evidence.values() for row in rows.values()}
            return tuple(sorted(days | set(self._days.values())))

    def broken_parts(self) -> tuple[str, ...]:
        """None: nothing is on a disk."""
        return ()

    def release_memory(self) -> None:
        """Nothing is held."""

    def part_count(self) -> int:
        """None: nothing is on a disk."""
        return 0

    def stored_rows(self) -> dict[str, dict[str, int]]:
        """Rows per table and project."""
        with self._lock:
            found = {n: dict(Counter(row["project"] for row in rows.values())) for n, rows in self._evidence.items()}
            runs = Counter(assembly.run.project for assembly in self._derived.values())
            return {**found, "runs": dict(runs)}

    def hidden(self, query: HiddenQuery) -> Hidden:
        """What redaction hid in a period."""
        return summed([*self._rows("spans", query.project), *self._rows("logs", query.project)], query)

    def find_text(self, texts: Sequence[str]) -> tuple[FoundColumn, ...]:
        """Rows in which one of these texts occurs."""
        with self._lock:
            rows: dict[str, list[Mapping[str, Any]]] = {
                name: list(some.values()) for name, some in self._evidence.items()
            }
            rows["runs"] = [{"run": str(assembly)} for assembly in self._derived.values()]
        return found_in(rows, texts)

    def stored_bytes(self) -> dict[str, int]:
        """Characters of each table's rows, roughly; there is no disk."""
        with self._lock:
            return {name: sum(len(str(row)) for row in rows.values()) for name, rows in self._evidence.items()}

    def close(self) -> None:
        """Nothing to release."""

    def _where(self, query: RunQuery, *, with_cursor: bool = False) -> Where:
        def mentions(needles: tuple[str, ...]) -> set[str]:
            wanted = [needle.lower() for needle in needles]
            rows = [row for name in ("spans", "span_contents", "logs") for row in self._rows(name, query.project)]
            return {row["trace_id"] for row in rows if any(n in text.lower() for text in _texts(row) for n in wanted)}

        return where(query, with_cursor=with_cursor, mentions=mentions)

    def _rows(self, name: str, project: str | None) -> list[dict[str, Any]]:
        with self._lock:
            return [row for row in self._evidence[name].values() if project is None or row["project"] == project]

    def _assemblies(self) -> list[Assembly]:
        with self._lock:
            return list(self._derived.values())

    def _runs(self) -> list[Run]:
        with self._lock:
            return [assembly.run for assembly in self._derived.values()]

    def _remove(self, name: str, goes: Callable[[Mapping[str, Any]], bool]) -> int:
        old = [key for key, row in self._evidence[name].items() if goes(row)]
        for key in old:
            del self._evidence[name][key]
        return len(old)

    def _staying(self, survivors: Survivors) -> set[tuple[str, str]]:
        return {
            (a.run.project, trace) for a in self._derived.values() if survivors.keep(a.run) for trace in trace_ids(a)
        }

    def _of_day(self, day: date, survivors: Survivors) -> list[tuple[str, RunId]]:
        return [k for k, kept in self._days.items() if kept == day and not survivors.keep(self._derived[k].run)]

    def _showing(self, project: str, traces: Collection[str]) -> list[tuple[str, RunId]]:
        return [k for k, a in self._derived.items() if k[0] == project and not set(traces).isdisjoint(trace_ids(a))]

    def _note_gone(self, traces: Iterable[tuple[str, str]], reason: GoneReason) -> None:
        now = time.time_ns()
        self._gone.update({(project, TraceId(trace)): Gone(reason, now) for project, trace in traces})

    def _in_hours(self) -> list[Assembly]:
        with self._lock:
            return [assembly for summed in self._summed.values() for assembly in summed]

    def _forget(self, keys: Iterable[tuple[str, RunId]]) -> None:
        for key in keys:
            unit = unit_of(self._derived[key].run, self._days[key])
            self._summed[unit] = [a for a in self._summed.get(unit, ()) if a.run.run_id != key[1]]
            del self._derived[key]
            del self._days[key]


def _through_rows(assembly: Assembly) -> Assembly:
    """What an engine would give back: text cleaned, numbers in range."""
    run = RUNS.item(plain_row(RUNS.table([assembly.run]).to_pylist()[0]))
    steps = tuple(STEPS.item(plain_row(row)) for row in STEPS.table(assembly.steps).to_pylist())
    return structs.replace(assembly, run=run, steps=steps)


def _texts(row: Mapping[str, Any]) -> list[str]:
    """What a search looks at in a row of evidence."""
    named = [row[name] for name in ("status_message", "events", "body") if name in row]
    return [*named, *dict(row["attributes"]).values()]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["project"], row["trace_id"])


def _blank_row(row: dict[str, Any], names: Sequence[str]) -> bool:
    filled = any(row[name] for name in names)
    row.update(dict.fromkeys(names, ""))
    return filled


def _blank(item: Item, table: str) -> Item:
    blanks: dict[str, Any] = dict.fromkeys(PREVIEWS[table], "")
    return structs.replace(item, **blanks)


def _items(assembly: Assembly) -> tuple[Run | Step, ...]:
    return (assembly.run, *assembly.steps)


def _light(totals: Totals) -> Totals:
    return Totals(runs=totals.runs, errors=totals.errors, denials=totals.denials)


def _totals(runs: Iterable[Run]) -> Totals:
    found = list(runs)
    judged = [run for run in found if run.mode is not RunMode.SHADOW and run.continued_by is None]
    shadows = [run.cost_usd for run in found if run.mode is RunMode.SHADOW and run.cost_usd is not None]
    priced = [run.cost_usd for run in found if run.cost_usd is not None]
    return Totals(
        runs=len(found),
        success=sum(run.outcome.label is OutcomeLabel.SUCCESS for run in judged),
        failure=sum(run.outcome.label is OutcomeLabel.FAILURE for run in judged),
        errors=sum(run.status is RunStatus.ERROR for run in found),
        denials=sum(run.denials for run in found),
        waiting=sum(bool(run.waiting_for) for run in found),
        cost_usd=sum(priced, Decimal(0)) if priced else None,
        unpriced_calls=sum(run.unpriced_calls for run in found),
        input_tokens=sum(run.usage.input or 0 for run in found),
        output_tokens=sum(run.usage.output or 0 for run in found),
        beside=len(found) - len(judged),
        shadow_usd=sum(shadows, Decimal(0)),
    )


def _p95(durations: Sequence[int]) -> int:
    return sorted(durations)[int(0.95 * len(durations))] if durations else 0
