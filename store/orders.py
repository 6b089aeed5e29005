"""The orders a list of runs can have: each knows its SQL, its value in a run, and how a cursor writes that value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from spans.errors import RefusedError
from spans.run import Run

Key = int | Decimal

_MOST = 2**64 - 1
_UNPRICED_LAST = Decimal(-1)
_UNPRICED_LAST_UP = Decimal(10) ** 20
_COST_DIGITS = 40


@dataclass(frozen=True, slots=True)
class RunOrder:
    """One order; runs of equal value stand by their ids, so that pages never overlap."""

    name: str
    """As an address writes it; empty for newest first."""
    sql: str
    kind: str
    """ClickHouse type of the value."""
    of: Callable[[Run], Key]
    is_down: bool = True

    @property
    def clause(self) -> str:
        """What stands behind ORDER BY."""
        way = "DESC" if self.is_down else "ASC"
        return f"{self.sql} {way}, run_id {way}"

    def after(self) -> str:
        """The condition of being behind a cursor."""
        way = "<" if self.is_down else ">"
        return f"({self.sql}, run_id) {way} ({{cursor_key:{self.kind}}}, {{cursor_id:String}})"

    def is_after(self, run: Run, key: Key, run_id: str) -> bool:
        """The same in Python."""
        here, last = (self.of(run), run.run_id), (key, run_id)
        return here < last if self.is_down else here > last

    def read(self, text: str) -> Key:
        """The value a cursor wrote.

        Raises:
            ValueError: it wrote another.
        """
        if self.kind == "UInt64":
            if not (text.isascii() and text.isdecimal()) or len(text) > 20 or int(text) > _MOST:
                raise ValueError(text[:30])
            return int(text)
        try:
            key = Decimal(text) if len(text) <= _COST_DIGITS else Decimal("NaN")
        except InvalidOperation:
            key = Decimal("NaN")
        if not key.is_finite() or abs(key) > _UNPRICED_LAST_UP:
            raise ValueError(text[:30])
        return key


def _cost_down(run: Run) -> Key:
    return _UNPRICED_LAST if run.cost_usd is None else run.cost_usd


def _cost_up(run: Run) -> Key:
    return _UNPRICED_LAST_UP if run.cost_usd is None else run.cost_usd


_COST = "Decimal(38, 12)"
NEWEST = RunOrder("", "started_ns", "UInt64", lambda run: run.started_ns)
_ALL = (
    NEWEST,
    RunOrder("oldest", "started_ns", "UInt64", lambda run: run.started_ns, is_down=False),
    RunOrder("cost", f"ifNull(cost_usd, CAST(-1, '{_COST}'))", _COST, _cost_down),
    RunOrder("cost_up", f"ifNull(cost_usd, CAST('{_UNPRICED_LAST_UP}', '{_COST}'))", _COST, _cost_up, is_down=False),
    RunOrder("duration", "toUInt64(duration_ns)", "UInt64", lambda run: run.duration_ns),
    RunOrder("duration_up", "toUInt64(duration_ns)", "UInt64", lambda run: run.duration_ns, is_down=False),
)
ORDERS: Mapping[str, RunOrder] = {order.name: order for order in _ALL}
"""Every order by its name. Runs without a price stand last in both orders by cost."""


def order_of(name: str) -> RunOrder:
    """The order of a name.

    Raises:
        RefusedError: there is none.
    """
    found = ORDERS.get(name)
    if found is None:
        raise RefusedError(f"order must be one of {', '.join(n for n in ORDERS if n)}.")
    return found
