"""What the rooms above may ask of the store, whichever engine keeps it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

import pyarrow as pa

from spans.clean import CleanLog, CleanSpan
from spans.facts import SpanFacts
from spans.ids import RunId, SpanId, TraceId
from spans.policy import Policy
from spans.run import Assembly, Run, Step
from spans.whatif import WhatIf
from store.hours import CallField, CallRow, HourField, HourQuery, HourRow
from store.judged import (
    AttemptGroup,
    AttemptQuery,
    AttemptRow,
    EconomicsRow,
    OfferedTool,
    UsedTool,
    WriteRow,
)
from store.measures import MeasureReader
from store.outline import Outline
from store.privacy import FoundColumn, Hidden, HiddenQuery
from store.sums import RunBound, RunSeries, RunSums
from store.survivors import NOBODY, Survivors

Row = TypeVar("Row")

EVIDENCE_TABLES = ("spans", "span_contents", "logs", "facts")
DERIVED_TABLES = ("steps", "runs")
CONTENT_TABLES = ("span_contents", "logs")
"""Tables that hold nothing but content; they expire with it."""
PREVIEWS: Mapping[str, tuple[str, ...]] = {
    "facts": ("input_preview", "output_preview", "error_message"),
    "steps": ("error_message",),
    "runs": ("input_preview", "output_preview"),
}
"""Texts that stand outside the content tables so that lists are fast; they are blanked when content expires."""
PER_HOUR = (HourField.HOUR, HourField.ENVIRONMENT, HourField.WORKFLOW)
CALLS_PER_HOUR = (CallField.HOUR, CallField.ENVIRONMENT, CallField.WORKFLOW, CallField.KIND, CallField.NAME)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs: the filters of the contract (design, section 10). None or empty means "any".

    `until_ns` is exclusive. `order` is a name of `store.orders`, empty for newest first. `cursor` is what the page before
    returned.
    """

    project: str
    since_ns: int | None = None
    until_ns: int | None = None
    environment: str | None = None
    workflow: str | None = None
    version: str | None = None
    agent: str | None = None
    service: str | None = None
    mode: str | None = None
    shape: tuple[str, ...] = ()
    status: str | None = None
    outcome: str | None = None
    session: str | None = None
    user: str | None = None
    model: str | None = None
    tool: str | None = None
    denied: bool | None = None
    waiting: bool | None = None
    tag: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    min_cost: Decimal | None = None
    text: str | None = None
    limit: int = 50
    cursor: str | None = None
    order: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list, in the order that was asked for; `next_cursor` is None on the last."""

    rows: tuple[Row, ...]
    next_cursor: str | None
    sentence: str = ""
    """What the list shows, in words, made by the filters themselves."""


@dataclass(frozen=True, slots=True)
class TraceEvidence:
    """Everything stored of one trace, each span and log once (the winner of any duplicates)."""

    spans: tuple[CleanSpan, ...]
    logs: tuple[CleanLog, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over runs of one range; `cost_usd` is None when nothing in it could be priced.

    `success`, `failure`, `errors` (ended with an error) and `waiting` count runs; shadow runs never count as success or
    failure, and a job in several runs is judged on its last part. `denials` counts stopped calls.
    """

    runs: int = 0
    success: int = 0
    failure: int = 0
    errors: int = 0
    denials: int = 0
    waiting: int = 0
    cost_usd: Decimal | None = None
    unpriced_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    beside: int = 0
    """Of `runs`, those that are nobody's job: shadow runs, and parts of a job that went on in another run."""
    shadow_usd: Decimal = Decimal(0)
    """Of `cost_usd`, what shadow runs cost."""

    @property
    def success_rate(self) -> float | None:
        """Share of jobs that succeeded, as `insights.economics` states it; None where nobody judged one."""
        jobs = self.runs - self.beside
        return self.success / jobs if jobs and self.success + self.failure else None

    @property
    def cost_per_success(self) -> Decimal | None:
        """All spend but that of shadow runs, by jobs that succeeded; None while there are none."""
        return (self.cost_usd - self.shadow_usd) / self.success if self.cost_usd is not None and self.success else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Totals of one time bucket that starts at `start_ns`."""

    start_ns: int
    totals: Totals


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One workflow of the fleet table."""

    workflow: str
    environment: str
    totals: Totals
    last_started_ns: int
    p95_duration_ns: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Runs that share one value of a field: one user, one session, one workflow."""

    value: str
    totals: Totals
    last_started_ns: int


class GoneReason(StrEnum):
    """Why a trace that was here is not any more."""

    EXPIRED = "expired"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Gone:
    """A trace that was here: why it went and when."""

    reason: GoneReason
    at_ns: int


@dataclass(frozen=True, slots=True)
class TraceTimes:
    """The first and the last of some spans and logs: when they began, and when they were received. Unix nanoseconds."""

    first_began_ns: int
    last_began_ns: int
    first_received_ns: int
    last_received_ns: int


class ExportTable(StrEnum):
    """What can be exported: spans with their contents, log records, runs and their steps."""

    RUNS = "runs"
    STEPS = "steps"
    SPANS = "spans"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """What to export of a project; times are when a run, span or log began, `until_ns` exclusive."""

    project: str
    since_ns: int | None = None
    until_ns: int | None = None


class Store(Protocol):
    """Evidence in, derived rows in, pages out. Safe to call from several threads."""

    @property
    def measures(self) -> MeasureReader:
        """What detectors ask about runs."""

    def migrate(self) -> None:
        """Bring the schema to this version; resumes after a crash at any point.

        Raises:
            SettingsError: the schema is newer than this program.
        """

    def write_evidence(self, tables: Mapping[str, pa.Table]) -> None:
        """Durable when it returns; one insert per partition; repeating a call changes nothing a reader sees.

        Raises:
            BusyError: worth trying again (engine busy, disk full).
        """

    def read_facts(self, project: str, trace_ids: Collection[TraceId]) -> list[SpanFacts]:
        """Facts of these traces, every stored copy, in no particular order."""

    def traces_sharing(self, project: str, keys: Collection[str]) -> set[TraceId]:
        """Traces of the project with at least one of these shared keys."""

    def recent_traces(self, project: str | None, since_received_ns: int) -> list[tuple[str, TraceId]]:
        """(project, trace) pairs that received evidence since then; what a restart must assemble again."""

    def newest_by_trace(self, since_received_ns: int) -> dict[tuple[str, TraceId], int]:
        """When the newest evidence of each (project, trace) arrived, for those that received some since then."""

    def recent_items(self, since_received_ns: int, limit: int) -> list[tuple[str, str, str, str, str, int]]:
        """Items received since then, the newest `limit` of each table, the oldest first.

        Each as (table, project, trace, span or log id, segment, slot).
        """

    def received_moments(
        self, signal: Literal["spans", "logs"], since_ns: int, until_ns: int, limit: int
    ) -> tuple[tuple[int, int], ...]:
        """The first `limit` moments of a period (both ends count) at which items were received, and how many at each."""

    def received_traces(self, moments: Collection[int]) -> tuple[tuple[str, TraceId], ...]:
        """(project, trace) pairs of which spans were received at exactly these moments, ordered by both."""

    def received_logs(self, moments: Collection[int]) -> tuple[CleanLog, ...]:
        """Log records that were received at exactly these moments, each once, in the order of their receipt."""

    def write_derived(self, assemblies: Sequence[Assembly]) -> None:
        """Replace run and steps of each assembly as a whole; a lower version never wins over a higher."""

    def read_evidence(self, project: str, trace_id: TraceId, span_id: SpanId | None = None) -> TraceEvidence:
        """Evidence of one trace, or of one span and its logs; empty when nothing is stored."""

    def read_evidence_of(self, project: str, trace_id: TraceId, span_ids: Collection[SpanId]) -> TraceEvidence:
        """Evidence of some spans of a trace and of their logs; spans that are not stored are left out."""

    def read_traces(self, project: str, trace_ids: Collection[TraceId]) -> dict[TraceId, TraceEvidence]:
        """Evidence of some traces, read at once; those of which nothing is stored are left out."""

    def find_runs(self, query: RunQuery) -> Page[Run]:
        """Runs that match, newest first.

        Raises:
            RefusedError: the cursor or a filter cannot be used.
        """

    def read_run(self, project: str, run_or_trace: TraceId) -> Run | None:
        """The run of this id, or of any trace in it; None when the project has none."""

    def read_steps(self, project: str, run_id: RunId) -> tuple[Step, ...]:
        """All steps of a run in stored order."""

    def read_outline(self, project: str, run_id: RunId) -> Outline:
        """The tree of a run in columns, in stored order; much less work than its steps. Empty when there is none."""

    def read_steps_at(self, project: str, run_id: RunId, ordinals: Collection[int]) -> tuple[Step, ...]:
        """The steps that stand at these places of the stored order; places the run does not have are left out."""

    def read_step(self, project: str, run_id: RunId, span_id: SpanId) -> Step | None:
        """The step of a span; None when the run has none."""

    def totals(self, query: RunQuery) -> Totals:
        """Sums over the runs that match."""

    def series(self, query: RunQuery, buckets: int) -> tuple[Bucket, ...]:
        """Totals in `buckets` equal parts of the query's range, empty ones included."""

    def shape_series(self, query: RunQuery, buckets: int) -> Mapping[str, tuple[Bucket, ...]]:
        """Runs, runs with an error and stopped calls of every shape that has runs, in equal parts of the query's range.

        Whatever shapes the query names: one reading tells both the chips and the bars of a list. Other sums stay zero.
        """

    def fleet(self, query: RunQuery) -> tuple[FleetRow, ...]:
        """One row per workflow and environment of the runs that match."""

    def roll_up(self, limit: int = 1_000) -> int:
        """Sum dirty hours again from runs and steps, at most about `limit` of them; returns how many were summed.

        Writing derived rows and removing them makes their hours dirty, durably; nothing is ever added up at insert.
        """

    def dirty_hours(self) -> int:
        """How many hours (per project, environment, workflow and received day) wait to be summed again."""

    def hours(self, query: HourQuery, by: Sequence[HourField] = PER_HOUR) -> tuple[HourRow, ...]:
        """Roll-ups of runs as of the last `roll_up`, one row per combination of `by` that has runs, ordered by it."""

    def call_hours(self, query: HourQuery, by: Sequence[CallField] = CALLS_PER_HOUR) -> tuple[CallRow, ...]:
        """Roll-ups of model, tool, retrieval and embedding calls, as of the last `roll_up`, ordered by `by`."""

    def run_sums(self, query: RunQuery, width_ns: int, bounds: Sequence[RunBound] = ()) -> tuple[RunSums, ...]:
        """Sums over the runs that match, per workflow, environment and `width_ns` from the query's `since_ns` on.

        Raises:
            RefusedError: a bound on a number that runs do not have, or a query without both ends.
        """

    def run_series(self, query: RunQuery, width_ns: int, bounds: Sequence[RunBound] = ()) -> tuple[RunSeries, ...]:
        """The same sums as arrays, one series per workflow and environment, without examples: for months of them.

        Raises:
            RefusedError: a bound on a number that runs do not have, or a query without both ends.
        """

    def attempt_groups(self, query: AttemptQuery, before_ns: int) -> tuple[AttemptGroup, ...]:
        """Kinds of attempts in the query's range, the most frequent first; looks `before_ns` further back to compare."""

    def attempts(self, query: AttemptQuery, limit: int) -> tuple[AttemptRow, ...]:
        """Attempts that match, newest first."""

    def economics(self, query: RunQuery, by: str = "") -> tuple[EconomicsRow, ...]:
        """Sums behind cost per success by one run field and environment, the dearest first.

        Fields are `workflow`, `version`, `model`, `attr.KEY`, …; empty: all in one. A run with several values counts in
        each of them.
        """

    def offered_tools(self, query: RunQuery) -> tuple[OfferedTool, ...]:
        """Every tool and schema that the runs that match were offered."""

    def used_tools(self, query: RunQuery) -> tuple[UsedTool, ...]:
        """Tools that the runs that match called, the busiest first."""

    def repeated_writes(self, project: str, since_ns: int, until_ns: int) -> tuple[WriteRow, ...]:
        """Successful tool calls that began in a range and whose arguments occur more than once, oldest first."""

    def blind_workflows(self, query: RunQuery) -> tuple[str, ...]:
        """Workflows of which no run that matches holds any content, the busiest first."""

    def run_ids(self, query: RunQuery, limit: int) -> tuple[RunId, ...]:
        """Ids of the runs that match, newest first."""

    def read_assemblies(self, project: str, run_ids: Sequence[RunId]) -> tuple[Assembly, ...]:
        """Whole runs with their steps, in the order asked for; unknown ids are left out."""

    def values(self, query: RunQuery, field_name: str, limit: int = 50) -> tuple[tuple[str, int], ...]:
        """Real values of one run field with their counts, most frequent first (for suggestions and chips)."""

    def groups(self, query: RunQuery, field_name: str, order: str = "", limit: int = 50) -> tuple[GroupRow, ...]:
        """Sums over the runs of each value of a field that is not empty; `order` names one of `store.group_orders`.

        A run with several values counts in each.

        Raises:
            RefusedError: there is no such field or order.
        """

    def what_if(self, query: RunQuery, policy: Policy) -> WhatIf:
        """What a candidate policy would have meant for the runs that match; equal to `spans.whatif.what_if`."""

    def projects(self) -> tuple[str, ...]:
        """Projects that have runs."""

    def drop_project(self, project: str) -> int:
        """Remove everything of a project (used for the demo); returns the number of runs removed."""

    def drop_day(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Drop every row of a received day but those of runs that stay; rows removed per table. Safe to repeat.

        Rows that stay are copied, counted, and put in place of the day in one step.

        Raises:
            BusyError: the copy is not complete; nothing was dropped.
        """

    def drop_content(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Drop the contents of a received day (attributes and events with text, log records, previews, error texts).

        Spans, runs and every number stay, and everything of runs that stay. Rows removed per table, `previews` counts
        rows whose texts were blanked. The runs then say when their content expired. Safe to repeat.

        Raises:
            BusyError: the copy of what stays is not complete; nothing was dropped.
        """

    def preview_drop(self, day: date, survivors: Survivors, *, content: bool) -> dict[str, int]:
        """Rows per table that `drop_content` or `drop_day` would remove now."""

    def day_bytes(self, day: date) -> int:
        """Bytes on disk of a received day: copying its survivors needs at most as much room again."""

    def find_traces(self, project: str, text: str, until_ns: int | None = None) -> tuple[TraceId, ...]:
        """Traces of the project with a text anywhere in what is stored of them, letter case kept.

        With `until_ns`, only those of which something was received until then.
        """

    def times_of(self, project: str, traces: Sequence[TraceId]) -> TraceTimes | None:
        """When the spans and logs of some traces began and were received; None when none of them is stored."""

    def count_traces(self, project: str, traces: Sequence[TraceId]) -> dict[str, int]:
        """Items per table that `erase` would remove, each once however often it is stored."""

    def erase(self, project: str, traces: Sequence[TraceId], *, wait: bool = True) -> dict[str, int]:
        """Remove traces and every run that shows one; items removed per table.

        Returns when no file holds them, or with `wait=False` when no answer does: `old_bytes_gone` then tells the rest.

        Raises:
            BusyError: the rows are gone from every answer, but the engine has not yet removed all old files.
        """

    def old_bytes_gone(self, until_s: float) -> bool:
        """Whether no file lies on the disk any more that was given up until this moment (Unix seconds)."""

    def why_gone(self, project: str, trace: TraceId) -> Gone | None:
        """Why a trace that was here is gone; None when it never was, or is here."""

    def export(self, query: ExportQuery, table: ExportTable) -> Iterator[pa.Table]:
        """Rows of one table in pieces, each row once whatever arrived twice, ordered by id within a piece."""

    def back_up(self, out: Path, meanwhile: Callable[[], None]) -> tuple[int, dict[str, dict[str, int]]]:
        """Copy everything as it is at one moment; returns schema version and rows by table and `project day`.

        Nothing is written while `meanwhile` runs, which is at that moment; then writing goes on while files are copied.

        Raises:
            SettingsError: the store is a server, which has a backup of its own.
        """

    def put_back(self, source: Path, version: int) -> dict[str, dict[str, int]]:
        """Fill an empty store with what `back_up` copied; returns rows by table and `project day`.

        Raises:
            SettingsError: the backup is newer than this program, or the store is a server.
        """

    def stored_days(self) -> tuple[date, ...]:
        """Received days that have rows in any table, oldest first."""

    def broken_parts(self) -> tuple[str, ...]:
        """Parts the engine counts as stored although not all of their bytes are on the disk, as `table/part`.

        The embedded engine makes them when the disk is full. What was inserted was not acknowledged then; what a part was
        merged from is kept for about half a minute, and taken up again when the engine is opened anew: whoever finds one has to do
        that soon. Nothing more is written until then.
        """

    def release_memory(self) -> None:
        """Give memory that the embedded engine freed back to the system; nothing for a server, whose memory is its own."""

    def part_count(self) -> int:
        """Parts in use: the engine slows inserts down when there are too many."""

    def stored_rows(self) -> dict[str, dict[str, int]]:
        """Rows per table and project."""

    def hidden(self, query: HiddenQuery) -> Hidden:
        """What redaction hid of the items received in a period: over time, by field and by version of the rules."""

    def find_text(self, texts: Sequence[str]) -> tuple[FoundColumn, ...]:
        """Rows of every stored column in which one of these texts occurs, without regard to case. Reads everything."""

    def stored_bytes(self) -> dict[str, int]:
        """Bytes on disk per table."""

    def close(self) -> None:
        """Finish writes and release the engine. Safe to call twice."""
