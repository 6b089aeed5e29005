"""Backup of the embedded engine: every part as it was at one moment, copied while writing goes on, and put back."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from spans.errors import SettingsError
from store.api import DERIVED_TABLES, EVIDENCE_TABLES
from store.clickhouse.engine import Engine
from store.clickhouse.schema import applied_version, migrate
from store.clickhouse.sql import statement

_LABEL = "tracetape_"
_PART = re.compile(r"[0-9a-zA-Z_]+")
_NOT_COPIED = frozenset({"schema_version", "survivors"})
"""The first is written by the migration that makes the tables; the second is filled anew each time."""

Counts = dict[str, dict[str, int]]
"""Rows per table, by `project day`."""


def back_up(engine: Engine, store: Path, out: Path, meanwhile: Callable[[], None]) -> tuple[int, Counts]:
    """Copy every part of every table; returns the schema version and the rows by table, project and day.

    Nothing is written while parts are frozen (links, no copies: a moment) and `meanwhile` runs; copying comes after.
    """
    name = f"{_LABEL}{time.time_ns()}"
    shadow = store / "shadow" / name
    try:
        with engine.alone():
            tables = {row["name"]: row["id"] for row in engine.select(statement("table_ids"), pool="job")}
            version = applied_version(engine)
            for table in sorted(set(tables) - _NOT_COPIED):
                if not table.startswith("staging_"):
                    engine.change(statement("freeze_table", table=table, label=name), what=f"Freezing {table}")
            counts = count_rows(engine)
            meanwhile()
        names = {ident: table for table, ident in tables.items()}
        for place in shadow.glob("store/*/*"):
            shutil.copytree(place, out / names[place.name])
    finally:
        shutil.rmtree(shadow, ignore_errors=True)
    return version, counts


def frozen_before(store: Path, until_s: float) -> bool:
    """Whether a backup still holds parts (as links) that it froze until this moment."""
    return any(_frozen_ns(place) <= until_s * 1e9 for place in (store / "shadow").glob(f"{_LABEL}*"))


def drop_left_over(store: Path) -> None:
    """Remove what backups froze that were cut short: it would keep bytes that everybody else has given up."""
    for place in (store / "shadow").glob(f"{_LABEL}*"):
        shutil.rmtree(place, ignore_errors=True)


def _frozen_ns(place: Path) -> int:
    number = place.name.removeprefix(_LABEL)
    return int(number) if number.isdigit() else 0


def put_back(engine: Engine, source: Path, version: int) -> Counts:
    """Attach every part of a backup to fresh tables of its schema version, then bring them up to date; rows as counted.

    Raises:
        SettingsError: the backup was made by a newer program, or holds what no backup of ours holds.
    """
    migrate(engine, up_to=version)
    tables = {row["name"]: Path(row["path"]) for row in engine.select(statement("table_ids"), pool="job")}
    for place in sorted(source.iterdir()):
        if place.name not in tables:
            raise SettingsError(f"The backup holds a table {place.name!r} that its schema does not have.")
        for part in sorted(place.iterdir()):
            if not _PART.fullmatch(part.name):
                raise SettingsError(f"The backup holds {part.name!r}, which is no part of a table.")
            shutil.copytree(part, tables[place.name] / "detached" / part.name)
            sql = statement("attach_part", table=place.name, part=part.name)
            engine.change(sql, what=f"Restoring {place.name}")
    migrate(engine)
    return count_rows(engine)


def count_rows(engine: Engine) -> Counts:
    """Rows by table, project and day."""
    columns: Mapping[str, str] = {
        **dict.fromkeys(EVIDENCE_TABLES, "received_day"),
        **dict.fromkeys(DERIVED_TABLES, "partition_day"),
    }
    return {
        table: {
            f"{row['project']} {row['day']}": int(row["rows"])
            for row in engine.select(statement("rows_by_day", table=table, day_column=day), pool="job")
        }
        for table, day in columns.items()
    }
