"""Rows leave as Arrow tables: each run, step, span and log once, in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pyarrow as pa

from store.api import ExportQuery, ExportTable
from store.clickhouse.engine import Engine
from store.clickhouse.sql import column_list, statement
from store.derived_rows import RUNS, STEPS
from store.rows import LOG_COLUMNS, SPAN_COLUMNS

_ROWS_A_PIECE = 50_000
_JOINED = frozenset({"attributes", "resource_attributes", "scope_attributes", "score", "has_contents"})
_EXTRA: Mapping[ExportTable, tuple[str, ...]] = {
    ExportTable.RUNS: ("outcome", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
    ExportTable.STEPS: ("cost_usd", "input_tokens", "output_tokens"),
    ExportTable.SPANS: (),
    ExportTable.LOGS: (),
}


def pieces(engine: Engine, query: ExportQuery, table: ExportTable) -> Iterator[pa.Table]:
    """The rows of one table, piece by piece; a piece is all rows whose trace or run id lies in one range."""
    params = {
        "project": query.project,
        "since_ns": max(query.since_ns or 0, 0),
        "until_ns": min(query.until_ns if query.until_ns is not None else 2**64 - 1, 2**64 - 1),
    }
    count = statement("export_count", table=table.value)
    rows = int(engine.select(count, {"project": query.project}, pool="job")[0]["rows"])
    sql = statement(f"export_{table.value}", columns=column_list(_columns(table)))
    for first, end in _ranges(rows):
        found = engine.arrow(sql, {**params, "first": first, "end": end}, what=f"Exporting {table.value}")
        if found.num_rows:
            yield found


def _columns(table: ExportTable) -> Sequence[str]:
    stored = {
        ExportTable.RUNS: RUNS.stored,
        ExportTable.STEPS: ("project", "version", *STEPS.stored),
        ExportTable.SPANS: tuple(c.name for c in SPAN_COLUMNS if c.name not in _JOINED),
        ExportTable.LOGS: tuple(c.name for c in LOG_COLUMNS),
    }[table]
    return list(dict.fromkeys((*stored, *_EXTRA[table])))


def _ranges(rows: int) -> Iterator[tuple[str, str]]:
    """Ranges of ids, which are hex and evenly spread: as many as make pieces of about the size wanted."""
    digits = 0
    while rows // 16**digits > _ROWS_A_PIECE:
        digits += 1
    if digits == 0:
        yield "", "~"
        return
    starts = ["", *(f"{n:0{digits}x}" for n in range(1, 16**digits)), "~"]  # "~" sorts behind every hex digit
    yield from pairwise(starts)
