"""The store on ClickHouse, embedded or served: evidence in, derived rows in, pages out."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs

from spans.clean import CleanLog
from spans.facts import SpanFacts
from spans.ids import RunId, SpanId, TraceId
from spans.policy import Policy
from spans.run import Assembly, Run, Step
from spans.whatif import WhatIf
from store.api import (
    CALLS_PER_HOUR,
    DERIVED_TABLES,
    EVIDENCE_TABLES,
    PER_HOUR,
    Bucket,
    ExportQuery,
    ExportTable,
    FleetRow,
    Gone,
    GroupRow,
    Page,
    RunQuery,
    Totals,
    TraceEvidence,
    TraceTimes,
)
from store.buckets import Buckets
from store.clickhouse import set_aside
from store.clickhouse.address import parse_address
from store.clickhouse.backup import back_up, drop_left_over, put_back
from store.clickhouse.engine import Engine, PoolName
from store.clickhouse.exporting import pieces
from store.clickhouse.hours import Hours
from store.clickhouse.judged import Judged
from store.clickhouse.keeping import ROLL_UP_TABLES, Keeping
from store.clickhouse.measures import ClickHouseMeasures
from store.clickhouse.privacy import Privacy
from store.clickhouse.schema import migrate
from store.clickhouse.sql import column_list, statement
from store.clickhouse.sums import run_series, run_sums
from store.clickhouse.whatif import what_if
from store.columns import DAY, FLOATS, MONEY, TEXT, TEXTS, U64, trimmed
from store.cursor import cursor_after, decode_cursor
from store.derived_rows import (
    RUNS,
    STEPS,
    cost_by_class,
    expired,
    measure_flags,
    measure_names,
    measure_values,
    tool_sequence,
    trace_ids,
)
from store.evidence import newest_facts, winners
from store.filters import Where, run_field, where
from store.group_orders import group_order
from store.hours import CallField, CallRow, HourField, HourQuery, HourRow, HourUnit, hour_of, unit_of
from store.judged import AttemptGroup, AttemptQuery, AttemptRow, EconomicsRow, OfferedTool, UsedTool, WriteRow
from store.orders import order_of
from store.outline import Outline, outline_from
from store.privacy import FoundColumn, Hidden, HiddenQuery
from store.rows import CONTENT_COLUMNS, FACTS, LOG_COLUMNS, SPAN_COLUMNS, log_of
from store.sums import RunBound, RunSeries, RunSums
from store.survivors import NOBODY, Survivors

TABLES = (*EVIDENCE_TABLES, *DERIVED_TABLES, *ROLL_UP_TABLES)
_IDS_PER_QUERY = 500
"""Parameters travel in the address of a request; this keeps it well under what servers accept."""
_SECOND_NS = 1_000_000_000
TEXT_DAYS = (1, 4, 16)
"""Days before the end of the range in which a text is looked for first, as long as they do not fill a page."""
NARROW_NS = 4 * 86_400 * _SECOND_NS
"""Up to this length of a range it pays to find out first which days hold its runs; longer ones hold most days anyway."""
_THEIR_DAYS = (
    "partition_day IN (SELECT partition_day FROM runs WHERE project = {project:String}"
    " AND started_ns >= {since_ns:UInt64} AND started_ns < {until_ns:UInt64} GROUP BY partition_day)"
)
"""Days of any version of a run of the range. Choosing versions (FINAL) would else open every day: it compares run ids, which
know no time."""
_FACT_COLUMNS = column_list([*FACTS.stored, "score"])
_RUN_COLUMNS = column_list(RUNS.stored)
_STEP_COLUMNS = column_list(STEPS.stored)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Known:
    """An earlier version of a run: its partition, which never moves, the hour it is summed in, when its content went."""

    unit: HourUnit
    content_expired_ns: int


class ClickHouseStore:
    """Implements `store.api.Store`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hours = Hours(engine)
        self._judged = Judged(engine)
        self.measures = ClickHouseMeasures(engine)
        self._keeping = Keeping(engine, self._hours)
        self._privacy = Privacy(engine)

    @classmethod
    def open(cls, dsn: str) -> ClickHouseStore:
        """Connect to an address; see `store.open_store`.

        Raises:
            SettingsError: the address or what it names cannot be used.
            BusyError: the server cannot be reached now.
        """
        return cls(Engine.open(parse_address(dsn)))

    def migrate(self) -> None:
        """Bring the schema to this version; see `store.api.Store`."""
        migrate(self._engine)
        set_aside.tidy(self._engine)
        if self._engine.is_embedded:
            drop_left_over(self._engine.folder())

    def write_evidence(self, tables: Mapping[str, pa.Table]) -> None:
        """One insert per table and received day; facts last, so that whoever sees facts finds their evidence."""
        for name in EVIDENCE_TABLES:
            table = tables.get(name)
            if table is not None:
                for part in _by_day(table):
                    self._engine.insert(name, part)

    def read_facts(self, project: str, trace_ids: Collection[TraceId]) -> list[SpanFacts]:
        """Facts of these traces, every stored copy."""
        sql = statement("read_facts", columns=_FACT_COLUMNS)
        rows = (
            row
            for some in _chunks(sorted(trace_ids))
            for row in self._select(sql, {"project": project, "trace_ids": some}, pool="job")
        )
        return newest_facts(rows)

    def traces_sharing(self, project: str, keys: Collection[str]) -> set[TraceId]:
        """Traces with at least one of these keys."""
        sql = statement("traces_sharing")
        return {
            TraceId(row["trace_id"])
            for some in _chunks(sorted(keys))
            for row in self._select(sql, {"project": project, "keys": some}, pool="job")
        }

    def recent_traces(self, project: str | None, since_received_ns: int) -> list[tuple[str, TraceId]]:
        """(project, trace) pairs that received evidence since then."""
        since = max(since_received_ns, 0)
        params = {
            "since_day": _day(since) - timedelta(days=1) if since else date(1970, 1, 1),
            "since_ns": since,
            "every": project is None,
            "project": project or "",
        }
        rows = self._select(statement("recent_traces"), params, pool="job")
        return [(row["project"], TraceId(row["trace_id"])) for row in rows]

    def newest_by_trace(self, since_received_ns: int) -> dict[tuple[str, TraceId], int]:
        """When the newest evidence of each trace arrived."""
        since = max(since_received_ns, 0)
        params = {
            "since_day": _day(since) - timedelta(days=1) if since else date(1970, 1, 1),
            "since_ns": since,
        }
        rows = self._select(statement("newest_by_trace"), params, pool="job")
        return {(row["project"], TraceId(row["trace_id"])): row["newest_ns"] for row in rows}

    def received_moments(
        self, signal: Literal["spans", "logs"], since_ns: int, until_ns: int, limit: int
    ) -> tuple[tuple[int, int], ...]:
        """The first moments of a period at which items were received."""
        params = {**_days_around((since_ns, until_ns)), "since_ns": since_ns, "until_ns": until_ns, "most": limit}
        rows = self._select(statement("received_moments", table=signal), params, pool="job")
        return tuple((row["received_ns"], row["items"]) for row in rows)

    def received_traces(self, moments: Collection[int]) -> tuple[tuple[str, TraceId], ...]:
        """Traces of which spans were received at these moments."""
        params = {**_days_around(moments), "moments": sorted(moments)}
        rows = self._select(statement("received_traces"), params, pool="job") if moments else ()
        return tuple((row["project"], TraceId(row["trace_id"])) for row in rows)

    def received_logs(self, moments: Collection[int]) -> tuple[CleanLog, ...]:
        """Log records that were received at these moments."""
        params = {**_days_around(moments), "moments": sorted(moments)}
        sql = statement("received_logs", columns=column_list(c.name for c in LOG_COLUMNS))
        return tuple(log_of(row) for row in (self._select(sql, params, pool="job") if moments else ()))

    def recent_items(self, since_received_ns: int, limit: int) -> list[tuple[str, str, str, str, str, int]]:
        """Items received since then, the oldest first."""
        params = {
            "since_day": _day(max(since_received_ns, 0)),
            "since_ns": max(since_received_ns, 0),
            "item_limit": limit,
        }
        found: list[tuple[str, str, str, str, str, int]] = []
        for table, item in (("spans", "span_id"), ("logs", "log_id")):
            rows = self._select(statement("recent_items", table=table, item=item), params, pool="job")
            names = ("project", "trace_id", "item", "segment", "slot")
            found += [(table, *(row[name] for name in names)) for row in reversed(rows)]
        return found

    def write_derived(self, assemblies: Sequence[Assembly]) -> None:
        """Steps first, then their runs: a reader follows the run's version and never meets a run without its steps."""
        best: dict[tuple[str, RunId], Assembly] = {}
        for assembly in assemblies:
            key = (assembly.run.project, assembly.run.run_id)
            if key not in best or assembly.run.version >= best[key].run.version:
                best[key] = assembly
        known = self._known(list(best))
        by_day: defaultdict[date, list[Assembly]] = defaultdict(list)
        units = {earlier.unit for earlier in known.values()}
        for key, assembly in best.items():
            earlier = known.get(key)
            day = earlier.unit.day if earlier else assembly.run.first_received_day
            units.add(unit_of(assembly.run, day))
            if earlier and earlier.content_expired_ns:
                run = structs.replace(assembly.run, content_expired_ns=earlier.content_expired_ns)
                by_day[day].append(structs.replace(assembly, run=run))
            else:
                by_day[day].append(assembly)
        self._hours.begin(units)
        try:
            for day, some in by_day.items():
                steps = _step_rows(some, day)
                if steps.num_rows:
                    self._engine.insert("steps", steps)
                self._engine.insert("runs", _run_rows(some, day))
        finally:
            self._hours.end(units)

    def read_evidence(self, project: str, trace_id: TraceId, span_id: SpanId | None = None) -> TraceEvidence:
        """Evidence of one trace, or of one span and its logs."""
        return self._evidence(project, trace_id, [[span_id] if span_id else []], every=not span_id)

    def read_evidence_of(self, project: str, trace_id: TraceId, span_ids: Collection[SpanId]) -> TraceEvidence:
        """Evidence of some spans of a trace and of their logs."""
        return self._evidence(project, trace_id, list(_chunks(sorted(span_ids))), every=False)

    def read_traces(self, project: str, trace_ids: Collection[TraceId]) -> dict[TraceId, TraceEvidence]:
        """Evidence of some traces."""
        params = {"project": project, "trace_ids": sorted(set(trace_ids)), "every": True, "span_ids": []}
        read = (("read_spans", SPAN_COLUMNS), ("read_contents", CONTENT_COLUMNS), ("read_logs", LOG_COLUMNS))
        by_trace: defaultdict[str, tuple[list[dict[str, Any]], ...]] = defaultdict(lambda: ([], [], []))
        for place, (name, columns) in enumerate(read):
            for row in self._select(statement(name, columns=column_list(c.name for c in columns)), params, pool="job"):
                by_trace[row["trace_id"]][place].append(row)
        return {TraceId(trace): winners(*rows) for trace, rows in by_trace.items()}

    def _evidence(
        self, project: str, trace_id: TraceId, chunks: Sequence[Sequence[SpanId]], *, every: bool
    ) -> TraceEvidence:
        def rows(name: str, columns: Sequence[Any]) -> list[dict[str, Any]]:
            sql = statement(name, columns=column_list(c.name for c in columns))
            params = {"project": project, "trace_ids": [trace_id], "every": every}
            return [row for some in chunks for row in self._select(sql, {**params, "span_ids": list(some)})]

        return winners(
            rows("read_spans", SPAN_COLUMNS),
            rows("read_contents", CONTENT_COLUMNS),
            rows("read_logs", LOG_COLUMNS),
        )

    def find_runs(self, query: RunQuery) -> Page[Run]:
        """Runs that match, in the order of the query."""
        shown, order = where(query, with_cursor=True), order_of(query.order)
        rows: list[dict[str, Any]] = []
        for since_ns in _windows(query):
            part = replace(query, since_ns=since_ns)
            asked = where(part, with_cursor=True)
            rows = self._about_runs("find_run_ids", asked, {"limit": query.limit + 1}, part, order=order.clause)
            if len(rows) > query.limit:
                break
        runs = self._read_runs(query.project, rows[: query.limit])
        more = len(rows) > query.limit and runs
        cursor = cursor_after(runs[-1], order) if more else None
        return Page(runs, cursor, shown.sentence)

    def read_run(self, project: str, run_or_trace: TraceId) -> Run | None:
        """The run of this id, or of any trace in it."""
        rows = self._select(statement("read_run", columns=_RUN_COLUMNS), {"project": project, "run_id": run_or_trace})
        if not rows:
            params = {"project": project, "trace_id": run_or_trace}
            rows = self._select(statement("read_run_of_trace", columns=_RUN_COLUMNS), params)
        return RUNS.item(rows[0]) if rows else None

    def read_steps(self, project: str, run_id: RunId) -> tuple[Step, ...]:
        """All steps of a run in stored order."""
        rows = self._select(statement("read_steps", columns=_STEP_COLUMNS), {"project": project, "run_id": run_id})
        return tuple(expired(STEPS.item(row)) if row["expired_ns"] else STEPS.item(row) for row in rows)

    def read_outline(self, project: str, run_id: RunId) -> Outline:
        """The tree of a run in columns."""
        return outline_from(self._engine.columns(statement("outline"), {"project": project, "run_id": run_id}))

    def read_steps_at(self, project: str, run_id: RunId, ordinals: Collection[int]) -> tuple[Step, ...]:
        """Some steps of a run, in stored order."""
        sql = statement("read_steps_at", columns=_STEP_COLUMNS)
        rows = (
            row
            for some in _chunks(sorted(ordinals))
            for row in self._select(sql, {"project": project, "run_id": run_id, "ordinals": some})
        )
        return tuple(STEPS.item(row) for row in rows)

    def read_step(self, project: str, run_id: RunId, span_id: SpanId) -> Step | None:
        """One step of a run."""
        params = {"project": project, "run_id": run_id, "span_id": span_id}
        rows = self._select(statement("read_step", columns=_STEP_COLUMNS), params)
        return STEPS.item(rows[0]) if rows else None

    def totals(self, query: RunQuery) -> Totals:
        """Sums over the runs that match."""
        return _totals(self._about_runs("totals", where(query), {}, query)[0])

    def series(self, query: RunQuery, buckets: int) -> tuple[Bucket, ...]:
        """Totals in equal parts of the query's range, empty ones included."""
        parts = self._parts(query, buckets)
        rows = self._about_runs("series", where(query), parts.params(), query)
        return parts.filled({row["bucket"]: _totals(row) for row in rows})

    def shape_series(self, query: RunQuery, buckets: int) -> dict[str, tuple[Bucket, ...]]:
        """Runs of each shape in equal parts of the range."""
        query = replace(query, shape=())
        parts = self._parts(query, buckets)
        found: defaultdict[str, dict[int, Totals]] = defaultdict(dict)
        for row in self._about_runs("shape_series", where(query), parts.params(), query):
            some = Totals(runs=row["runs"], errors=row["error_runs"], denials=row["denials_sum"])
            found[row["shape"]][row["bucket"]] = some
        return {shape: parts.filled(some) for shape, some in found.items()}

    def _parts(self, query: RunQuery, buckets: int) -> Buckets:
        started: tuple[int, ...] = ()
        if query.since_ns is None or query.until_ns is None:
            edge = self._about_runs("range", where(query), {}, query)[0]
            started = (edge["first_ns"], edge["last_ns"]) if edge["runs"] else ()
        return Buckets.of(query, buckets, started)

    def fleet(self, query: RunQuery) -> tuple[FleetRow, ...]:
        """One row per workflow and environment of the runs that match."""
        return tuple(
            FleetRow(row["workflow"], row["environment"], _totals(row), row["newest_ns"], row["p95_duration_ns"])
            for row in self._about_runs("fleet", where(query), {}, query)
        )

    def roll_up(self, limit: int = 1_000) -> int:
        """Sum dirty hours again."""
        return self._hours.roll_up(limit)

    def dirty_hours(self) -> int:
        """How many hours wait to be summed again."""
        return self._hours.dirty()

    def hours(self, query: HourQuery, by: Sequence[HourField] = PER_HOUR) -> tuple[HourRow, ...]:
        """Roll-ups of runs."""
        return self._hours.runs(query, by)

    def call_hours(self, query: HourQuery, by: Sequence[CallField] = CALLS_PER_HOUR) -> tuple[CallRow, ...]:
        """Roll-ups of calls."""
        return self._hours.calls(query, by)

    def run_sums(self, query: RunQuery, width_ns: int, bounds: Sequence[RunBound] = ()) -> tuple[RunSums, ...]:
        """Sums per workflow, environment and part of the range; see `store.api.Store`."""
        return run_sums(self._engine, query, width_ns, bounds)

    def run_series(self, query: RunQuery, width_ns: int, bounds: Sequence[RunBound] = ()) -> tuple[RunSeries, ...]:
        """The same sums as arrays; see `store.api.Store`."""
        return run_series(self._engine, query, width_ns, bounds)

    def attempt_groups(self, query: AttemptQuery, before_ns: int) -> tuple[AttemptGroup, ...]:
        """Kinds of attempts."""
        return self._judged.attempt_groups(query, before_ns)

    def attempts(self, query: AttemptQuery, limit: int) -> tuple[AttemptRow, ...]:
        """Attempts that match."""
        return self._judged.attempts(query, limit)

    def economics(self, query: RunQuery, by: str = "") -> tuple[EconomicsRow, ...]:
        """Sums behind cost per success."""
        return self._judged.economics(query, by)

    def offered_tools(self, query: RunQuery) -> tuple[OfferedTool, ...]:
        """Tools that were offered."""
        return self._judged.offered_tools(query)

    def used_tools(self, query: RunQuery) -> tuple[UsedTool, ...]:
        """Tools that were called."""
        return self._judged.used_tools(query)

    def repeated_writes(self, project: str, since_ns: int, until_ns: int) -> tuple[WriteRow, ...]:
        """Successful calls with equal arguments."""
        return self._judged.repeated_writes(project, since_ns, until_ns)

    def blind_workflows(self, query: RunQuery) -> tuple[str, ...]:
        """Workflows without any content."""
        return self._judged.blind_workflows(query)

    def run_ids(self, query: RunQuery, limit: int) -> tuple[RunId, ...]:
        """Ids of the runs that match."""
        return self._judged.run_ids(query, limit)

    def read_assemblies(self, project: str, run_ids: Sequence[RunId]) -> tuple[Assembly, ...]:
        """Whole runs with their steps."""
        return self._judged.read_assemblies(project, run_ids)

    def values(self, query: RunQuery, field_name: str, limit: int = 50) -> tuple[tuple[str, int], ...]:
        """Real values of one run field with their counts, most frequent first."""
        field = run_field(field_name)
        params = {"value_limit": limit, **field.params}
        rows = self._about_runs("values", where(query), params, query, field=field.sql)
        return tuple((row["value"], row["runs"]) for row in rows)

    def groups(self, query: RunQuery, field_name: str, order: str = "", limit: int = 50) -> tuple[GroupRow, ...]:
        """Sums over the runs of each value of a field."""
        field, ordered = run_field(field_name), group_order(order)
        params = {"group_limit": limit, **field.params}
        rows = self._about_runs("groups", where(query), params, query, field=field.sql, order=ordered.clause)
        return tuple(GroupRow(row["value"], _totals(row), row["newest_ns"]) for row in rows)

    def what_if(self, query: RunQuery, policy: Policy) -> WhatIf:
        """What a candidate policy would have meant."""
        return what_if(lambda sql, params: self._select(sql, params, "job"), query, policy)

    def projects(self) -> tuple[str, ...]:
        """Projects that have runs."""
        return tuple(row["project"] for row in self._select(statement("projects"), {}))

    def drop_project(self, project: str) -> int:
        """Remove everything of a project; returns when the rows are gone."""
        runs = int(self._select(statement("count_runs"), {"project": project}, pool="job")[0]["runs"])
        self._hours.forget(project=project)
        for table in (*ROLL_UP_TABLES, *DERIVED_TABLES, *EVIDENCE_TABLES):
            sql = statement("delete_project", table=table)
            self._engine.change(sql, {"project": project}, what=f"Removing a project from {table}")
        return runs

    def drop_day(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Drop a received day but for the runs that stay."""
        return self._keeping.drop_day(day, survivors)

    def drop_content(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Drop the content of a received day but for the runs that stay; see `store.api.Store`."""
        return self._keeping.drop_content(day, survivors)

    def preview_drop(self, day: date, survivors: Survivors, *, content: bool) -> dict[str, int]:
        """Rows that would go."""
        return self._keeping.preview(day, survivors, content=content)

    def day_bytes(self, day: date) -> int:
        """Bytes on disk of a received day."""
        return self._keeping.day_bytes(day)

    def find_traces(self, project: str, text: str, until_ns: int | None = None) -> tuple[TraceId, ...]:
        """Traces with a text anywhere."""
        return self._keeping.find_traces(project, text, until_ns)

    def times_of(self, project: str, traces: Sequence[TraceId]) -> TraceTimes | None:
        """When the spans of some traces began and were received."""
        return self._keeping.times_of(project, traces)

    def count_traces(self, project: str, traces: Sequence[TraceId]) -> dict[str, int]:
        """Items of some traces."""
        return self._keeping.count(project, traces)

    def erase(self, project: str, traces: Sequence[TraceId], *, wait: bool = True) -> dict[str, int]:
        """Remove traces for good."""
        removed = self._keeping.erase(project, traces)
        if wait:
            self._keeping.wait_for_bytes()
        return removed

    def old_bytes_gone(self, until_s: float) -> bool:
        """Whether old files are gone; see `store.api.Store`."""
        return self._keeping.old_bytes_gone(until_s)

    def why_gone(self, project: str, trace: TraceId) -> Gone | None:
        """Why a trace is gone."""
        return self._keeping.why_gone(project, trace)

    def export(self, query: ExportQuery, table: ExportTable) -> Iterator[pa.Table]:
        """Rows of one table in pieces."""
        return pieces(self._engine, query, table)

    def back_up(self, out: Path, meanwhile: Callable[[], None]) -> tuple[int, dict[str, dict[str, int]]]:
        """Copy everything as it is at one moment."""
        return back_up(self._engine, self._engine.folder(), out, meanwhile)

    def put_back(self, source: Path, version: int) -> dict[str, dict[str, int]]:
        """Fill an empty store with what `back_up` copied."""
        self._engine.folder()
        return put_back(self._engine, source, version)

    def stored_days(self) -> tuple[date, ...]:
        """Received days that have rows, oldest first."""
        rows = self._select(statement("stored_days"), {"tables": list(TABLES)}, pool="job")
        return tuple(datetime.strptime(row["partition_id"], "%Y%m%d").replace(tzinfo=UTC).date() for row in rows)

    def broken_parts(self) -> tuple[str, ...]:
        """Parts without their bytes; see `store.api.Store`."""
        return self._engine.broken_parts()

    def release_memory(self) -> None:
        """Give memory that the embedded engine freed back to the system."""
        if self._engine.is_embedded:
            self._engine.release_memory()

    def part_count(self) -> int:
        """Parts in use."""
        return int(self._select(statement("part_count"), {}, pool="job")[0]["parts"])

    def stored_rows(self) -> dict[str, dict[str, int]]:
        """Rows per table and project."""
        found = {}
        for table in TABLES:
            rows = self._select(statement("rows_by_project", table=table), {}, pool="job")
            found[table] = {row["project"]: int(row["rows"]) for row in rows}
        return found

    def hidden(self, query: HiddenQuery) -> Hidden:
        """What redaction hid in a period."""
        return self._privacy.hidden(query)

    def find_text(self, texts: Sequence[str]) -> tuple[FoundColumn, ...]:
        """Rows of every column in which one of these texts occurs."""
        return self._privacy.find_text(texts)

    def stored_bytes(self) -> dict[str, int]:
        """Bytes on disk per table."""
        found = {row["table"]: int(row["bytes"]) for row in self._select(statement("stored_bytes"), {}, pool="job")}
        return {table: found.get(table, 0) for table in TABLES}

    def close(self) -> None:
        """Finish writes and release the engine."""
        self._engine.close()

    def _select(self, sql: str, params: Mapping[str, object], pool: PoolName = "page") -> list[dict[str, Any]]:
        return self._engine.select(sql, params, pool=pool)

    def _about_runs(
        self,
        name: str,
        shown: Where,
        params: Mapping[str, object],
        query: RunQuery,
        **words: str,
    ) -> list[dict[str, Any]]:
        """Rows of a statement about the runs that match; free text is searched in its own pool."""
        clause = f"{_THEIR_DAYS}\n  AND {shown.clause}" if _is_narrow(query) else shown.clause
        sql = statement(name, where=clause, **words)
        return self._select(sql, {**shown.params, **params}, "search" if query.text else "page")

    def _read_runs(self, project: str, found: Sequence[Mapping[str, Any]]) -> tuple[Run, ...]:
        """Whole runs in the order found; one that went since it was found is left out."""
        runs: dict[str, Run] = {}
        for some in _chunks(found):
            params = {
                "project": project,
                "days": sorted({row["partition_day"] for row in some}),
                "run_ids": [row["run_id"] for row in some],
            }
            rows = self._select(statement("read_runs", columns=_RUN_COLUMNS), params)
            runs.update({row["run_id"]: RUNS.item(row) for row in rows})
        return tuple(runs[row["run_id"]] for row in found if row["run_id"] in runs)

    def _known(self, keys: Sequence[tuple[str, RunId]]) -> dict[tuple[str, RunId], _Known]:
        """What is to be carried on of each run that is stored already."""
        sql = statement("sticky_days")
        found: dict[tuple[str, RunId], _Known] = {}
        for some in _chunks(keys):
            for row in self._select(sql, {"keys": some}, "job"):
                environment, workflow, started_ns = row["summed_in"]
                unit = HourUnit(row["day"], row["project"], environment, workflow, hour_of(started_ns))
                found[(row["project"], RunId(row["run_id"]))] = _Known(unit, row["expired_ns"])
        return found


def _windows(query: RunQuery) -> Iterator[int | None]:
    """Beginnings of the range to search, the latest first: a page of newest runs with a common word needs a day, not all of them."""
    if query.text and not query.order:
        newest = decode_cursor(query.cursor).key if query.cursor else query.until_ns or time.time_ns()
        for days in TEXT_DAYS:
            since = int(newest) - days * 86_400 * _SECOND_NS
            if since > max(query.since_ns or 0, 0):
                yield since
    yield query.since_ns


def _is_narrow(query: RunQuery) -> bool:
    return None not in (query.since_ns, query.until_ns) and query.until_ns - query.since_ns <= NARROW_NS  # type: ignore[operator]


def _by_day(table: pa.Table) -> Iterator[pa.Table]:
    days = pc.unique(table["received_day"]).to_pylist()
    for day in sorted(days):
        yield table if len(days) == 1 else table.filter(pc.equal(table["received_day"], pa.scalar(day, DAY)))


def _step_rows(assemblies: Sequence[Assembly], day: date) -> pa.Table:
    steps = [step for assembly in assemblies for step in assembly.steps]
    projects = [assembly.run.project for assembly in assemblies for _ in assembly.steps]
    versions = [assembly.run.version for assembly in assemblies for _ in assembly.steps]
    return (
        STEPS.table(steps)
        .append_column("project", pa.array(projects, TEXT))
        .append_column("version", pa.array(versions, U64))
        .append_column("partition_day", pa.array([day] * len(steps), DAY))
    )


def _run_rows(assemblies: Sequence[Assembly], day: date) -> pa.Table:
    costs = [cost_by_class(assembly) for assembly in assemblies]
    return (
        RUNS.table([assembly.run for assembly in assemblies])
        .append_column("traces", pa.array([trace_ids(assembly) for assembly in assemblies], TEXTS))
        .append_column("measure_names", pa.array([measure_names(assembly) for assembly in assemblies], TEXTS))
        .append_column("measure_values", pa.array([measure_values(assembly) for assembly in assemblies], FLOATS))
        .append_column("measure_flags", pa.array([measure_flags(assembly) for assembly in assemblies], TEXTS))
        .append_column("tool_sequence", pa.array([tool_sequence(assembly) for assembly in assemblies], TEXTS))
        .append_column("cost_classes", pa.array([list(cost) for cost in costs], TEXTS))
        .append_column("cost_class_usd", pa.array([list(cost.values()) for cost in costs], pa.list_(MONEY)))
        .append_column("partition_day", pa.array([day] * len(assemblies), DAY))
    )


def _totals(row: Mapping[str, Any]) -> Totals:
    return Totals(
        runs=row["runs"],
        success=row["successes"],
        failure=row["failures"],
        errors=row["error_runs"],
        denials=row["denials_sum"],
        waiting=row["waiting_runs"],
        cost_usd=None if row["cost_usd_sum"] is None else trimmed(row["cost_usd_sum"]),
        unpriced_calls=row["unpriced_calls_sum"],
        input_tokens=row["input_tokens_sum"],
        output_tokens=row["output_tokens_sum"],
        beside=row["beside_sum"],
        shadow_usd=trimmed(row["shadow_usd_sum"]),
    )


def _chunks(items: Sequence[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), _IDS_PER_QUERY):
        yield list(items[start : start + _IDS_PER_QUERY])


def _days_around(moments: Collection[int]) -> dict[str, date]:
    """Days that hold what was received then; one more on either side, as a day is fixed at the door, not computed here."""
    around = timedelta(days=1)
    return {"since_day": _day(min(moments, default=0)) - around, "until_day": _day(max(moments, default=0)) + around}


def _day(time_ns: int) -> date:
    return datetime.fromtimestamp(time_ns // _SECOND_NS, UTC).date()
