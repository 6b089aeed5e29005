"""The orders that groups of runs can have: each knows its SQL and its value in a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from spans.errors import RefusedError
from store.api import GroupRow

Key = int | float | Decimal


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """One order; groups without the value stand last, those of equal value by runs and then by name."""

    sql: str
    """Over the sums of `groups.sql`."""
    of: Callable[[GroupRow], Key | None]
    is_down: bool = True

    @property
    def clause(self) -> str:
        """What stands behind ORDER BY."""
        return f"{self.sql} {'DESC' if self.is_down else 'ASC'} NULLS LAST, runs DESC, value"

    def sorted(self, rows: Sequence[GroupRow]) -> list[GroupRow]:
        """The same in Python."""
        by_name = sorted(rows, key=lambda row: (-row.totals.runs, row.value))
        known = [(key, row) for row in by_name if (key := self.of(row)) is not None]
        known.sort(key=lambda pair: pair[0], reverse=self.is_down)
        return [*(row for _, row in known), *(row for row in by_name if self.of(row) is None)]


_WAYS: Mapping[str, tuple[str, Callable[[GroupRow], Key | None]]] = {
    "runs": ("runs", lambda row: row.totals.runs),
    "success": (
        "if(successes + failures = 0 OR runs = beside_sum, NULL, successes / (runs - beside_sum))",
        lambda row: row.totals.success_rate,
    ),
    "cost": ("cost_usd_sum", lambda row: row.totals.cost_usd),
    "per_success": (
        "if(successes = 0, NULL, toFloat64(cost_usd_sum - shadow_usd_sum) / successes)",
        lambda row: row.totals.cost_per_success,
    ),
    "tokens": ("input_tokens_sum + output_tokens_sum", lambda row: row.totals.input_tokens + row.totals.output_tokens),
    "denials": ("denials_sum", lambda row: row.totals.denials),
    "last": ("newest_ns", lambda row: row.last_started_ns),
}
GROUP_ORDERS: Mapping[str, GroupOrder] = {
    f"{name}{end}": GroupOrder(sql, of, is_down)
    for name, (sql, of) in _WAYS.items()
    for end, is_down in (("", True), ("_up", False))
}
"""Names as an address writes them: `runs`, the usual one, `runs_up`, `cost`, …"""


def group_order(name: str) -> GroupOrder:
    """The order of a name; most runs first when it is empty.

    Raises:
        RefusedError: there is none.
    """
    found = GROUP_ORDERS.get(name or "runs")
    if found is None:
        raise RefusedError(f"sort must be one of {', '.join(GROUP_ORDERS)}.")
    return found
