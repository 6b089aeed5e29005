"""What was erased and arrives afterwards: rows of the spool, of quarantine and of senders' repeats never reach the store."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from collector.broker import Delivery
from spans.ids import TraceId
from store.ledger.erasures import Erasure, Erasures, Subject

_ITEMS = ("spans", "logs")


@dataclass(frozen=True, slots=True)
class Strained:
    """Tables without what was erased; how many spans and logs that were, and of which traces."""

    tables: Mapping[str, pa.Table]
    items: int = 0
    traces: frozenset[TraceId] = frozenset()


@dataclass(slots=True)
class _Tombstone:
    erasure_id: str
    is_person: bool
    target: str
    requested_ns: int
    traces: set[str] = field(default_factory=set)


class ErasedArrivals:
    """Knows every tombstone of this ledger. Safe from several threads.

    A trace that was erased stays erased, however late its last spans come or however often a sender repeats them. What a
    person does after their erasure is kept as usual; what was received before it and stored only now is not.
    """

    def __init__(self, erasures: Erasures) -> None:
        self._erasures = erasures
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, _Tombstone]] = {}
        for erasure in erasures.list():
            self.learn(erasure)

    def learn(self, erasure: Erasure) -> None:
        """A tombstone was written, or names more traces than before. What several threads tell may come in any order."""
        made = _Tombstone(
            erasure.erasure_id,
            erasure.subject is Subject.PERSON,
            erasure.target,
            erasure.requested_ns,
            set(map(str, erasure.traces)),
        )
        with self._lock:
            known = self._known.setdefault(erasure.project, {})
            if erasure.erasure_id in known:
                made.traces |= known[erasure.erasure_id].traces  # an older answer may come last, and none loses a trace
            known[erasure.erasure_id] = made  # a new one: `strain` reads without the lock

    def strain(self, project: str, received_ns: int, tables: Mapping[str, pa.Table]) -> Strained:
        """One record without what was erased; what it tells of a tombstone is durable when this returns.

        Raises:
            BusyError: the ledger cannot be written now; nothing was done, and trying again is right.
        """
        with self._lock:
            tombstones = list(self._known.get(project, {}).values())
        if not tombstones:
            return Strained(tables)
        gone: set[str] = set()
        arrived = {str(trace) for name in tables for trace in tables[name].column("trace_id").unique().to_pylist()}
        for tombstone in tombstones:
            mine = arrived & tombstone.traces
            if tombstone.is_person and received_ns <= tombstone.requested_ns:
                mine |= traces_naming(tables, tombstone.target)
            if mine:
                removed = {"arrived_later": _count(tables, mine)}
                # A trace that is new to the tombstone may have left rows in the store already: it is unfinished again.
                new = [TraceId(trace) for trace in mine - tombstone.traces]
                self.learn(self._erasures.add(tombstone.erasure_id, removed, new))
                gone |= mine
        if not gone:
            return Strained(tables)
        left = {name: _without(table, gone) for name, table in tables.items()}
        return Strained(left, _count(tables, gone), frozenset(map(TraceId, gone)))

    def strain_delivery(self, delivery: Delivery) -> Delivery:
        """A processed record without what was erased, and how many of its items that were."""
        made = self.strain(delivery.project, delivery.received_ns, delivery.tables)
        if not made.items and not made.traces:
            return delivery
        traces = tuple(trace for trace in delivery.traces if trace not in made.traces)
        return replace(delivery, tables=made.tables, traces=traces, erased=made.items)

    def strain_tables(self, tables: Mapping[str, pa.Table]) -> Mapping[str, pa.Table]:
        """The same for tables that say themselves whose they are and when they were received (all of one record)."""
        facts = tables.get("facts")
        if facts is None or not facts.num_rows:
            return tables
        project, received_ns = facts.column("project")[0].as_py(), facts.column("received_ns")[0].as_py()
        return self.strain(str(project), int(received_ns), tables).tables


def traces_naming(tables: Mapping[str, pa.Table], text: str) -> set[str]:
    """Traces with a text in any cell, however deep; letter case kept, as the store looks for it."""
    found: set[str] = set()
    for table in tables.values():
        for row in table.to_pylist():
            if row["trace_id"] not in found and _holds(row.values(), text):
                found.add(str(row["trace_id"]))
    return found


def _holds(values: Iterable[Any], text: str) -> bool:
    for value in values:
        if isinstance(value, str):
            if text in value:
                return True
        elif isinstance(value, dict):
            if _holds([*value, *value.values()], text):
                return True
        elif isinstance(value, (list, tuple)) and _holds(value, text):
            return True
    return False


def _count(tables: Mapping[str, pa.Table], traces: Iterable[str]) -> int:
    wanted = set(traces)
    return sum(
        trace in wanted for name in _ITEMS if name in tables for trace in tables[name].column("trace_id").to_pylist()
    )


def _without(table: pa.Table, traces: set[str]) -> pa.Table:
    stays = [trace not in traces for trace in table.column("trace_id").to_pylist()]
    return table.filter(pa.array(stays, pa.bool_()))
