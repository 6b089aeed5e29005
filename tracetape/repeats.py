"""Tells an item that was stored before from a new one, so that the delivery check can count both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

GENERATION = 250_000
"""Items; between one and two generations are remembered, about 60 MB at most."""
_ITEM = {"spans": "span_id", "logs": "log_id"}
Stored = tuple[str, str, str, str, str, int]
"""Table, project, trace, item, segment and slot."""


class Repeats:
    """Remembers which record brought the last few hundred thousand items. Not thread-safe.

    What comes again later than that counts as a row; it is stored once all the same, because the store's key is the item.
    """

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def learn(self, stored: Iterable[Stored]) -> None:
        """What an earlier run of main has stored."""
        for table, project, trace, item, segment, slot in stored:
            self._keep(hash((table, project, trace, item)), hash((segment, slot)))

    def shape(self, tables: Mapping[str, pa.Table]) -> Counter[str]:
        """How many items of one record are new rows, repeats, or new with their texts withheld.

        A record that is stored again because its settlement was lost in a crash repeats nothing but itself.
        """
        shape: Counter[str] = Counter()
        for name, column in _ITEM.items():
            table = tables.get(name)
            if table is None:
                continue
            here: set[int] = set()
            for project, trace, item, segment, slot, redaction in _rows(table, column):
                key, origin = hash((name, project, trace, item)), hash((segment, slot))
                known = self._young.get(key, self._old.get(key))
                if key in here or known not in {None, origin}:
                    shape["duplicate"] += 1
                else:
                    shape["withheld" if redaction == "withheld" else "rows"] += 1
                    self._keep(key, origin)
                here.add(key)
        return shape

    def _keep(self, key: int, origin: int) -> None:
        self._young[key] = origin
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}


def _rows(table: pa.Table, item: str) -> Iterable[Sequence[object]]:
    names = ("project", "trace_id", item, "segment", "slot", "redaction")
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)
