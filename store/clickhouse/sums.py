"""Sums over runs per stretch of time in ClickHouse, as rows for a few or as arrays for half a million."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from store.bounds import bounds_sql, needs_repeats
from store.clickhouse.engine import Engine
from store.clickhouse.sql import statement
from store.filters import where
from store.sums import SUM_FIELDS, RunBound, RunSeries, RunSums, ends_of, series_of

if TYPE_CHECKING:
    from store.api import RunQuery

_SECOND_NS = 1_000_000_000
_HOUR_NS = 3_600 * _SECOND_NS
_EXAMPLES = "arrayMap(x -> x.2, arraySlice(arraySort(groupArrayIf(1000)((started_ns, run_id), live AND beyond)), 1, 5))"
_BY_TIME = "start_ns, workflow, environment"
_BY_KEY = "workflow, environment, start_ns"


def run_sums(engine: Engine, query: RunQuery, width_ns: int, bounds: Sequence[RunBound]) -> tuple[RunSums, ...]:
    """See `store.api.Store.run_sums`."""
    sql, params = _statement(query, width_ns, bounds, examples=_EXAMPLES, order=_BY_TIME)
    # The sums of a row stand in the order of the fields.
    return tuple(_row(*row.values()) for row in engine.select(sql, params, pool="job"))


def run_series(engine: Engine, query: RunQuery, width_ns: int, bounds: Sequence[RunBound]) -> tuple[RunSeries, ...]:
    """See `store.api.Store.run_series`."""
    sql, params = _statement(query, width_ns, bounds, examples="emptyArrayString()", order=_BY_KEY)
    table = engine.arrow(sql, params)
    names = ("start_ns", *SUM_FIELDS)
    columns = {
        name: table.column(n).to_numpy() for name, n in zip(names, (0, *range(3, 3 + len(SUM_FIELDS))), strict=True)
    }
    return series_of(columns, table.column("workflow").to_pylist(), table.column("environment").to_pylist())


def _row(start_ns: int, workflow: str, environment: str, *sums: Any) -> RunSums:
    *numbers, examples = sums
    named = dict(zip(SUM_FIELDS, numbers, strict=True))
    return RunSums(start_ns, workflow, environment, **named, examples=tuple(examples))


def _statement(
    query: RunQuery, width_ns: int, bounds: Sequence[RunBound], *, examples: str, order: str
) -> tuple[str, dict[str, object]]:
    since_ns, _ = ends_of(query, bounds)
    beyond, bound_params = bounds_sql(bounds)
    join = statement("tool_repeats") if needs_repeats(bounds) else ""
    params = {
        "bucket_since": since_ns,
        "bucket_width": width_ns,
        "steps_since": max(0, since_ns - _HOUR_NS),
        "oldest_day": datetime.fromtimestamp(max(0, since_ns - 48 * _HOUR_NS) // _SECOND_NS, UTC).date(),
    }
    shown = where(query)
    sql = statement("run_sums", bounds=beyond, join=join, where=shown.clause, examples=examples, order=order)
    return sql, {**shown.params, **params, **bound_params}
