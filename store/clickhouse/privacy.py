"""What redaction hid, summed by the engine; and the search for a text in every column of every table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from store.clickhouse.engine import Engine
from store.clickhouse.sql import statement
from store.privacy import (
    FoundColumn,
    Hidden,
    HiddenQuery,
    RulesInUse,
    ordered_fields,
    ordered_in_time,
    ordered_rules,
)

_TABLES = ("spans", "logs")
_SECOND_NS = 1_000_000_000
_TEXTS_PER_QUERY = 100


class Privacy:
    """The questions of the Redaction page and of `tracetape scan`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def hidden(self, query: HiddenQuery) -> Hidden:
        """What was hidden in a period."""
        params = {
            "project": query.project,
            "since_ns": max(query.since_ns, 0),
            "until_ns": max(query.until_ns, 0),
            "since_day": _day(query.since_ns),
            "until_day": _day(query.until_ns),
            "width_ns": query.width_ns,
        }
        in_time: Counter[tuple[int, str]] = Counter()
        fields: Counter[tuple[str, str, str]] = Counter()
        rules: list[RulesInUse] = []
        for table in _TABLES:
            for row in self._engine.select(statement("hidden_in_time", table=table), params, pool="page"):
                in_time[int(row["begin_ns"]), row["entity"]] += int(row["found"])
            for row in self._engine.select(statement("hidden_fields", table=table), params, pool="page"):
                fields[row["entity"], row["field"], row["service"]] += int(row["found"])
            rules += (
                RulesInUse(
                    row["fingerprint"], row["redaction"], int(row["items"]), int(row["first_ns"]), int(row["last_ns"])
                )
                for row in self._engine.select(statement("rules_in_use", table=table), params, pool="page")
            )
        return Hidden(ordered_in_time(in_time), ordered_fields(fields), ordered_rules(rules))

    def find_text(self, texts: Sequence[str]) -> tuple[FoundColumn, ...]:
        """Rows of every column of every table in which one of these texts occurs."""
        columns = self._engine.select(statement("every_column"), {}, pool="job")
        found: list[FoundColumn] = []
        for column in columns:
            for first in range(0, len(texts), _TEXTS_PER_QUERY):
                params = {
                    "table": column["table"],
                    "column": column["name"],
                    "texts": list(texts[first : first + _TEXTS_PER_QUERY]),
                }
                rows = self._engine.select(statement("search_column"), params, pool="job")
                found += (
                    FoundColumn(column["table"], column["name"], first + index, int(times))
                    for index, times in enumerate(rows[0]["rows"] if rows else ())
                    if times
                )
        return tuple(sorted(found, key=lambda one: (one.table, one.column, one.text)))


def _day(time_ns: int) -> str:
    return datetime.fromtimestamp(max(time_ns, 0) / _SECOND_NS, UTC).date().isoformat()
