"""Hourly roll-ups in ClickHouse: which hours are dirty, how they are summed again, and how they are read."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from store.clickhouse.engine import Engine
from store.clickhouse.sql import column_list, statement
from store.columns import DAY, MONEY, TEXT, U64, trimmed
from store.hours import CALL_KINDS, HOUR_NS, CallField, CallRow, HourField, HourQuery, HourRow, HourUnit

_U16_COUNTS = pa.map_(pa.uint16(), pa.uint64())
_TEXT_COUNTS = pa.map_(pa.string(), pa.uint64())
_RUN_KEYS = ("workflow_version", "mode", "shape", "outcome", "status")
_CALL_KEYS = ("workflow_version", "mode", "kind", "provider", "name", "outcome")
_UNIT_KEYS = ("project", "environment", "workflow", "hour_ns")
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_RUN_SUMS = (
    *("runs", "priced_runs", "ended_runs", "waiting_runs", "denied_runs", "cost_usd", "costliest_usd"),
    *("unpriced_calls", *_TOKENS, "spans", "model_calls", "tool_calls", "retrievals", "denials", "interventions"),
    *("errors", "redactions", "duration_ns", "durations", "jobs", "jobs_usd", "intervened_runs", "tool_outcomes"),
)
_CALL_SUMS = ("calls", "priced_calls", "cost_usd", "unpriced_calls", *_TOKENS, "duration_ns", "durations")
_MONEY = ("cost_usd", "costliest_usd", "jobs_usd")
_MAPS = {"durations": _U16_COUNTS, "tool_outcomes": _TEXT_COUNTS}
_MANY_UNITS = 60
"""More dirty hours than this in one partition, and the partition is summed whole: parameters travel in the address."""
_SHIFT = "toUInt8(greatest(toInt16(bitCount(roundToExp2(greatest(took, 1)) - 1)) - 5, 0))"
_BUCKET = f"toUInt16({_SHIFT} * 32 + bitShiftRight(took, {_SHIFT}))"
"""`store.hours.bucket_of` in SQL; whole numbers only, so that both agree on every duration."""


class Hours:
    """The roll-ups of one engine. Safe to call from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._rolling = threading.Lock()
        self._dirty: set[HourUnit] = set()
        self._in_flight: Counter[HourUnit] = Counter()
        self._loaded = False

    def begin(self, units: Collection[HourUnit]) -> None:
        """Mark hours before their runs are written: after a crash they are still known to be dirty."""
        with self._lock:
            new = {unit for unit in units if unit not in self._dirty}
            self._in_flight.update(units)
        by_day: defaultdict[date, list[HourUnit]] = defaultdict(list)
        for unit in new:
            by_day[unit.day].append(unit)
        now = time.time_ns()
        try:
            for some in by_day.values():
                self._engine.insert("hour_marks", _mark_rows(some, marked_ns=now, rolled_ns=0))
        except BaseException:
            self.end(units)
            raise
        with self._lock:
            self._dirty.update(units)

    def end(self, units: Collection[HourUnit]) -> None:
        """Their runs are written, or the writing failed: from now on they may be summed."""
        with self._lock:
            self._in_flight.subtract(units)
            self._in_flight = +self._in_flight

    def dirty(self) -> int:
        """How many hours wait to be summed again."""
        self._load()
        with self._lock:
            return len(self._dirty)

    def roll_up(self, limit: int) -> int:
        """Sum dirty hours again, at most about `limit`; how many were summed."""
        with self._rolling:
            self._load()
            now = time.time_ns()
            with self._lock:
                # An hour whose runs are being written right now would be summed without them and look clean.
                ready = sorted(unit for unit in self._dirty if unit not in self._in_flight)[:limit]
                self._dirty.difference_update(ready)
            by_day: defaultdict[date, list[HourUnit]] = defaultdict(list)
            for unit in ready:
                by_day[unit.day].append(unit)
            try:
                for day, units in by_day.items():
                    self._roll_day(day, units, now)
            except BaseException:
                with self._lock:
                    self._dirty.update(ready)
                raise
            return len(ready)

    def forget(self, *, day: date | None = None, project: str | None = None) -> None:
        """Hours of a dropped partition or project need not be summed."""
        with self._lock:
            self._dirty = {unit for unit in self._dirty if unit.day != day and unit.project != project}

    def runs(self, query: HourQuery, by: Sequence[HourField]) -> tuple[HourRow, ...]:
        """Sums over runs."""
        rows = self._read("hours", query, [key.value for key in by])
        return tuple(HourRow(**_exact(_without(row, "cost_usd", "costliest_usd"))) for row in rows)

    def calls(self, query: HourQuery, by: Sequence[CallField]) -> tuple[CallRow, ...]:
        """Sums over calls."""
        return tuple(
            CallRow(**_without(row, "cost_usd")) for row in self._read("call_hours", query, [key.value for key in by])
        )

    def _load(self) -> None:
        with self._lock:
            if self._loaded:
                return
            self._loaded = True
        rows = self._engine.select(statement("hours_marked"), pool="job", what="Reading dirty hours")
        found = {
            HourUnit(row["partition_day"], row["project"], row["environment"], row["workflow"], row["hour_ns"])
            for row in rows
        }
        with self._lock:
            self._dirty |= found

    def _roll_day(self, day: date, units: Sequence[HourUnit], now: int) -> None:
        every = len(units) > _MANY_UNITS
        params: dict[str, object] = {
            "day": day,
            "every": every,
            "first_ns": 0 if every else min(unit.hour_ns for unit in units),
            "end_ns": 2**64 - 1 if every else min(max(unit.hour_ns for unit in units) + HOUR_NS, 2**64 - 1),
            "units": []
            if every
            else [(unit.project, unit.environment, unit.workflow, unit.hour_ns // HOUR_NS) for unit in units],
        }
        runs = self._engine.select(statement("hours_of_runs", bucket=_BUCKET), params, pool="job", what="Summing runs")
        self._replace("hourly_runs", runs, _RUN_KEYS, _RUN_SUMS, params, now)
        kinds = [kind.value for kind in CALL_KINDS]
        calls = self._engine.select(
            statement("hours_of_calls", bucket=_BUCKET),
            {**params, "kinds": kinds},
            pool="job",
            what="Summing calls",
        )
        for row in calls:
            row.update({name: row.pop(f"call_{name}") for name in ("provider", "name", "outcome")})
        self._replace("hourly_calls", calls, _CALL_KEYS, _CALL_SUMS, params, now)
        self._engine.insert("hour_marks", _mark_rows(units, marked_ns=0, rolled_ns=now))

    def _replace(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        keys: Sequence[str],
        sums: Sequence[str],
        params: Mapping[str, Any],
        now: int,
    ) -> None:
        names = (*_UNIT_KEYS, *keys)
        fresh = {tuple(row[name] for name in names): row for row in rows}
        sql = statement("hour_keys", columns=column_list(names), table=table)
        known = self._engine.select(
            sql, {name: params[name] for name in ("day", "every", "units")}, pool="job", what="Reading sums"
        )
        gone = {tuple(row[name] for name in names) for row in known} - set(fresh)
        listed = [*fresh, *gone]
        if not listed:
            return
        columns = {name: [key[n] for key in listed] for n, name in enumerate(names)}
        arrays = {name: pa.array(values, U64 if name == "hour_ns" else TEXT) for name, values in columns.items()}
        for name in sums:
            values = [fresh[key][f"sum_{name}"] if key in fresh else _nothing(name) for key in listed]
            arrays[name] = pa.array(values, MONEY if name in _MONEY else _MAPS.get(name, U64))
        arrays["partition_day"] = pa.array([params["day"]] * len(listed), DAY)
        arrays["version"] = pa.array([now] * len(listed), U64)
        self._engine.insert(table, pa.table(arrays))

    def _read(self, name: str, query: HourQuery, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        clauses, params = _where(query)
        listed = column_list(keys)
        sql = statement(
            name,
            keys=f"{listed}," if keys else "",
            where="\n  AND ".join(clauses),
            group=f"GROUP BY {listed}" if keys else "",
            order=f"ORDER BY {listed}" if keys else "",
        )
        for row in self._engine.select(sql, params, what="Reading roll-ups"):
            yield {key.removeprefix("sum_"): value for key, value in row.items()}


def _where(query: HourQuery) -> tuple[list[str], dict[str, object]]:
    clauses, params = ["project = {project:String}"], {"project": query.project}
    filters: dict[str, tuple[str, object]] = {
        "since_ns": ("hour_ns >= {since_ns:UInt64}", _fit(query.since_ns)),
        "until_ns": ("hour_ns < {until_ns:UInt64}", _fit(query.until_ns)),
        "environment": ("environment = {environment:String}", query.environment),
        "workflow": ("workflow = {workflow:String}", query.workflow),
        "version": ("workflow_version = {version:String}", query.version),
        "mode": ("mode = {mode:String}", query.mode),
    }
    found: dict[str, object] = dict(params)
    for name, (clause, value) in filters.items():
        if value is not None:
            clauses.append(clause)
            found[name] = value
    return clauses, found


def _fit(time_ns: int | None) -> int | None:
    return None if time_ns is None else min(max(time_ns, 0), 2**64 - 1)


def _without(row: dict[str, Any], *money: str) -> dict[str, Any]:
    """A row with money as readers see it: none at all when nothing was priced."""
    priced = row.pop("priced")
    for name in money:
        row[name] = trimmed(row[name]) if priced else None
    row["durations"] = dict(row["durations"])
    return row


def _exact(row: dict[str, Any]) -> dict[str, Any]:
    row["failed_usd"] = trimmed(row["failed_usd"])
    row["tool_outcomes"] = {outcome: calls for outcome, calls in sorted(dict(row["tool_outcomes"]).items()) if calls}
    return row


def _nothing(name: str) -> object:
    return [] if name in _MAPS else 0


def _mark_rows(units: Sequence[HourUnit], *, marked_ns: int, rolled_ns: int) -> pa.Table:
    count = len(units)
    return pa.table(
        {
            "project": pa.array([unit.project for unit in units], TEXT),
            "environment": pa.array([unit.environment for unit in units], TEXT),
            "workflow": pa.array([unit.workflow for unit in units], TEXT),
            "hour_ns": pa.array([unit.hour_ns for unit in units], U64),
            "partition_day": pa.array([unit.day for unit in units], DAY),
            "marked_ns": pa.array([marked_ns] * count, U64),
            "rolled_ns": pa.array([rolled_ns] * count, U64),
        },
    )
