"""Brings the schema to this program's version: numbered files, each safe to run again, so a crash anywhere resumes."""

from __future__ import annotations

import logging

from spans.errors import NewerSchemaError
from store.clickhouse.engine import Engine
from store.clickhouse.sql import schema_files, statement

logger = logging.getLogger(__name__)


def migrate(engine: Engine, up_to: int | None = None) -> None:
    """Run every schema file that was not finished before, or only those up to a number (a restore starts there).

    Raises:
        NewerSchemaError: the schema is newer than this program.
    """
    engine.change(statement("schema_create"), what="Creating the schema")
    applied = applied_version(engine)
    files = schema_files()
    newest = files[-1][0]
    if max(applied, up_to or 0) > newest:
        raise NewerSchemaError(
            f"The store has schema {max(applied, up_to or 0)}; this tracetape knows up to {newest}. "
            "It was written by a newer version: update tracetape, or restore the backup made before the upgrade.",
        )
    for number, name, statements in files:
        if number <= applied or (up_to is not None and number > up_to):
            continue
        engine.refuse_if_full(f"Applying schema {name}")
        for sql in statements:
            engine.change(sql, what=f"Applying schema {name}")
        # Noted only after the last statement: a crash before this runs the whole file again, which changes nothing.
        engine.change(statement("schema_applied"), {"version": number, "name": name}, what=f"Noting schema {name}")
        logger.info("schema file applied", extra={"schema": name})


def applied_version(engine: Engine) -> int:
    """The newest schema file that was applied to the end."""
    return int(engine.select(statement("schema_versions"), what="Reading the schema version")[0]["version"])
