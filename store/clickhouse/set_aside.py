"""Parts that lost bytes and were set aside when the engine was opened: their redacted bytes must not lie there for ever."""

from __future__ import annotations

import logging
import re

from store.clickhouse.engine import Engine, Row
from store.clickhouse.sql import statement

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[0-9a-zA-Z_-]+")


def tidy(engine: Engine) -> None:
    """Remove those whose rows are there again. One without sources stays for a person: it may be all that is left."""
    found = _found(engine)
    kept = [row["name"] for row in found if not row["is_replaced"]]
    for row in found:
        if row["is_replaced"]:
            _drop(engine, row)
    if kept:
        logger.error("parts without sources are set aside", extra={"parts": kept[:20], "count": len(kept)})


def drop(engine: Engine, partition: str | None = None) -> None:
    """Remove those of one received day, or all, because what was in them has to go."""
    for row in _found(engine):
        if partition in {None, row["partition_id"]}:
            _drop(engine, row)


def _found(engine: Engine) -> list[Row]:
    if not engine.is_embedded:
        return []
    rows = engine.select(statement("set_aside"), pool="job", what="Looking at what was set aside")
    return [row for row in rows if _NAME.fullmatch(row["name"]) and _NAME.fullmatch(row["table"])]


def _drop(engine: Engine, row: Row) -> None:
    sql = statement("drop_set_aside", table=row["table"], part=row["name"])
    engine.change(sql, what=f"Removing what was set aside of {row['table']}")
