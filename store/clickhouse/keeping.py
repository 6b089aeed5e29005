"""What leaves the store: expired days with their survivors kept, and erased traces; each ends when the bytes are gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from spans.errors import BusyError
from spans.ids import RunId, TraceId
from store.api import CONTENT_TABLES, DERIVED_TABLES, EVIDENCE_TABLES, PREVIEWS, Gone, GoneReason, TraceTimes
from store.clickhouse import set_aside
from store.clickhouse.backup import frozen_before
from store.clickhouse.engine import Engine
from store.clickhouse.hours import Hours
from store.clickhouse.sql import statement
from store.hours import HourUnit, hour_of
from store.survivors import NOBODY, Survivors, split

logger = logging.getLogger(__name__)

ROLL_UP_TABLES = ("hourly_runs", "hourly_calls", "hour_marks")
GONE_WITHIN_S = 900.0
"""Old parts are removed by the engine about half a minute after they were replaced; a busy one takes longer."""
_FOR_EVER = 2**63 - 1
_LOOK_EVERY_S = 1.0
_IDS_PER_QUERY = 500
_IDS_PER_DELETE = 2_000
"""Each one writes every part anew that holds one of them, whatever their number; more would not fit into a statement."""


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    day_column: str
    id: str

    def words(self, **more: str) -> dict[str, str]:
        return {"table": self.name, "day_column": self.day_column, "id": self.id, **more}


_TABLES = {
    **{name: _Table(name, "received_day", "trace_id") for name in EVIDENCE_TABLES},
    **{name: _Table(name, "partition_day", "run_id") for name in DERIVED_TABLES},
}

_KEYS = {
    "spans": "trace_id, span_id",
    "span_contents": "trace_id, span_id",
    "logs": "trace_id, span_id, log_id",
    "facts": "trace_id, span_id, source, content_hash",
    "steps": "run_id, ordinal",
    "runs": "run_id",
}
"""What tells two items of one project apart, by table: its order."""


class Keeping:
    """Removal from one engine. Safe to repeat at any point of it."""

    def __init__(self, engine: Engine, hours: Hours) -> None:
        self._engine = engine
        self._hours = hours

    def drop_day(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Drop a received day but for the runs that stay."""
        with self._engine.alone():
            self._gather(survivors)
            now = {"reason": GoneReason.EXPIRED.value, "now_ns": time.time_ns(), "day": day}
            self._engine.change(statement("mark_gone"), now, what=f"Noting what goes with {day}")
            units = self._units(day) if not survivors.nobody else set()
            removed = {table.name: self._drop(table, day, survivors) for table in _TABLES.values()}
            set_aside.drop(self._engine, _partition(day))
            if survivors.nobody:
                for name in ROLL_UP_TABLES:
                    self._drop_partition(name, day)
                self._hours.forget(day=day)
            else:
                self._hours.begin(units)
                self._hours.end(units)
        return removed

    def drop_content(self, day: date, survivors: Survivors = NOBODY) -> dict[str, int]:
        """Drop the content of a received day but for the runs that stay."""
        with self._engine.alone():
            self._gather(survivors)
            removed = {name: self._drop(_TABLES[name], day, survivors) for name in CONTENT_TABLES}
            set_aside.drop(self._engine, _partition(day))
            return {**removed, "previews": self._blank(day)}

    def preview(self, day: date, survivors: Survivors, *, content: bool) -> dict[str, int]:
        """Rows that would go."""
        with self._engine.alone():
            self._gather(survivors)
            names = CONTENT_TABLES if content else tuple(_TABLES)
            counts = {name: self._count(_TABLES[name], day) for name in names}
        return {name: rows - staying for name, (rows, staying) in counts.items()}

    def day_bytes(self, day: date) -> int:
        """Bytes on disk of one received day: what copying its survivors may need at most."""
        rows = self._select("day_bytes", {"partition": _partition(day)})
        return int(rows[0]["bytes"])

    def find_traces(self, project: str, text: str, until_ns: int | None = None) -> tuple[TraceId, ...]:
        """Traces that hold a text anywhere, and of which something was received until then."""
        params = {"project": project, "text": text, "until_ns": _FOR_EVER if until_ns is None else until_ns}
        return tuple(TraceId(row["trace_id"]) for row in self._select("traces_naming", params))

    def times_of(self, project: str, traces: Sequence[TraceId]) -> TraceTimes | None:
        """When the spans and logs of some traces began and were received."""
        found = [
            row
            for some in _chunks(traces)
            for row in self._select("times_of", {"project": project, "trace_ids": some})
            if int(row["items"])
        ]
        if not found:
            return None
        return TraceTimes(
            min(int(row["first_began_ns"]) for row in found),
            max(int(row["last_began_ns"]) for row in found),
            min(int(row["first_received_ns"]) for row in found),
            max(int(row["last_received_ns"]) for row in found),
        )

    def count(self, project: str, traces: Sequence[TraceId]) -> dict[str, int]:
        """Items of some traces per table."""
        ids = self._ids(project, traces)
        found = dict.fromkeys(_TABLES, 0)
        for name, table in _TABLES.items():
            for some in _chunks(ids[table.id]):
                sql = statement("count_traces", table=name, id=table.id, key=_KEYS[name])
                rows = self._engine.select(sql, {"project": project, "ids": some}, pool="job", what="Counting")
                found[name] += int(rows[0]["items"])
        return found

    def erase(self, project: str, traces: Sequence[TraceId]) -> dict[str, int]:
        """Remove traces from every table; old files go a little later, see `old_bytes_gone`."""
        units = {unit for some in _chunks(traces) for unit in self._units_of(project, some)}
        ids = self._ids(project, traces)
        removed = self.count(project, traces)
        for some in _chunks(traces):
            params: dict[str, object] = {"project": project, "trace_ids": some, "now_ns": time.time_ns()}
            self._engine.change(statement("mark_erased"), params, what="Noting what is erased")
        self._hours.begin(units)
        try:
            for name in (*reversed(DERIVED_TABLES), *EVIDENCE_TABLES):  # runs first: lists and pages read those
                table = _TABLES[name]
                for some in _chunks(ids[table.id], _IDS_PER_DELETE):
                    sql = statement("delete_traces", table=name, id=table.id)
                    self._engine.change(sql, {"project": project, "ids": some}, what=f"Erasing from {name}")
        finally:
            self._hours.end(units)
        set_aside.drop(self._engine)
        for table in _TABLES.values():
            self._change("staging_drop", table, "Clearing")  # left by a round of retention that was cut short
        return removed

    def why_gone(self, project: str, trace: TraceId) -> Gone | None:
        """Why a trace is no longer here."""
        rows = self._select("read_gone", {"project": project, "trace_id": trace}, pool="page")
        return Gone(GoneReason(rows[0]["reason"]), rows[0]["at_ns"]) if rows else None

    def _gather(self, survivors: Survivors) -> None:
        """Fill the table of survivors, as rules and pins stand at this moment."""
        self._engine.change(statement("survivors_clear"), what="Clearing the survivors")
        if survivors.nobody:
            return
        for some in _chunks(sorted(survivors.pinned)):
            self._engine.change(statement("survivors_pins"), {"pins": some}, what="Reading pins")
        flows_stay = sorted(flow for flow, stays in survivors.workflows.items() if stays)
        flows_go = sorted(flow for flow, stays in survivors.workflows.items() if not stays)
        projects_stay, projects_go = split(survivors.projects)
        params: dict[str, object] = {
            "flows_that_stay": flows_stay,
            "flows_that_go": flows_go,
            "projects_that_stay": list(projects_stay),
            "projects_that_go": list(projects_go),
            "others_stay": survivors.default,
        }
        self._engine.change(statement("survivors_fill"), params, what="Finding the survivors")

    def _count(self, table: _Table, day: date) -> tuple[int, int]:
        row = self._select("count_day", {"day": day}, **table.words())[0]
        return int(row["rows"]), int(row["staying"])

    def _drop(self, table: _Table, day: date, survivors: Survivors) -> int:
        rows, staying = self._count(table, day)
        if rows == staying and not survivors.nobody:
            return 0
        if staying == 0:
            self._drop_partition(table.name, day)
            return rows
        self._change("staging_drop", table, "Clearing")
        self._change("staging_create", table, "Preparing")
        self._change("staging_fill", table, f"Copying what stays of {day}", day=day)
        copied = int(self._select("staging_count", {}, **table.words())[0]["rows"])
        if copied != staying:
            raise BusyError(
                f"Keeping {staying:,} rows of {day} in {table.name}: {copied:,} were copied; nothing was dropped."
            )
        self._change("staging_swap", table, f"Dropping {day}", partition=_partition(day))
        self._change("staging_drop", table, "Clearing")
        return rows - staying

    def _change(self, name: str, table: _Table, what: str, *, day: date | None = None, **words: str) -> None:
        params = None if day is None else {"day": day}
        self._engine.change(statement(name, **table.words(**words)), params, what=f"{what} ({table.name})")

    def _drop_partition(self, name: str, day: date) -> None:
        sql = statement("drop_partition", table=name, partition=_partition(day))
        self._engine.change(sql, what=f"Dropping {day} from {name}")

    def _blank(self, day: date) -> int:
        blanked = 0
        for name, columns in PREVIEWS.items():
            blanks = [f"{column} = ''" for column in columns]
            filled = [f"{column} != ''" for column in columns]
            if name == "runs":
                blanks.append("content_expired_ns = {now_ns:UInt64}")
                filled.append("content_expired_ns = 0")
            words = _TABLES[name].words(partition=_partition(day), blanks=", ".join(blanks), filled=" OR ".join(filled))
            count = int(self._select("count_previews", {"day": day}, **words)[0]["previews"])
            if count:
                sql = statement("blank_previews", **words)
                params = {"now_ns": time.time_ns()} if name == "runs" else None
                self._engine.change(sql, params, what=f"Blanking previews of {day} in {name}")
            blanked += count
        return blanked

    def _units(self, day: date) -> set[HourUnit]:
        rows = self._select("mark_day", {"day": day})
        return {HourUnit(day, r["project"], r["environment"], r["workflow"], r["hour_ns"]) for r in rows}

    def _units_of(self, project: str, traces: Sequence[TraceId]) -> set[HourUnit]:
        rows = self._select("runs_of_traces", {"project": project, "trace_ids": list(traces)})
        return {
            HourUnit(r["partition_day"], project, r["environment"], r["workflow"], hour_of(r["started_ns"]))
            for r in rows
        }

    def _ids(self, project: str, traces: Sequence[TraceId]) -> dict[str, list[str]]:
        """What to look for in each kind of table: the traces, and the runs that show one of them."""
        runs: set[str] = {str(trace) for trace in traces}
        for some in _chunks(traces):
            rows = self._select("runs_of_traces", {"project": project, "trace_ids": list(some)})
            runs.update(RunId(row["run_id"]) for row in rows)
        return {"trace_id": [str(trace) for trace in traces], "run_id": sorted(runs)}

    def old_bytes_gone(self, until_s: float) -> bool:
        """Whether no part with rows that went out of use until this moment, and no frozen copy of one, lies on the disk.

        Merges of a busy store go on leaving old parts behind; those are younger and hold nothing that was removed before.
        """
        rows = self._select("parts_left", {"tables": [*_TABLES], "until_s": int(until_s) + 1})
        if int(rows[0]["parts"]):
            return False
        return not (self._engine.is_embedded and frozen_before(self._engine.folder(), until_s))

    def wait_for_bytes(self, timeout_s: float = GONE_WITHIN_S) -> None:
        """Return when no part that is out of use by now lies on the disk.

        Raises:
            BusyError: after that time some still did.
        """
        now_s = time.time()
        until = time.monotonic() + timeout_s
        while not self.old_bytes_gone(now_s):
            if time.monotonic() > until:
                raise BusyError("The rows are erased, but old files still lie on the disk; erasing goes on.")
            time.sleep(_LOOK_EVERY_S)

    def _select(self, name: str, params: Mapping[str, object], pool: Any = "job", **words: str) -> list[dict[str, Any]]:
        return self._engine.select(statement(name, **words), params, pool=pool)


def _partition(day: date) -> str:
    return day.strftime("%Y%m%d")


def _chunks(items: Sequence[Any], size: int = _IDS_PER_QUERY) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
