"""Columns of a table: one list that makes the Arrow table for INSERT and names the SELECT."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from enum import Enum
from typing import Any, Generic, TypeVar

import pyarrow as pa

from store.text import clean_text

Item = TypeVar("Item")

TEXT = pa.string()
TEXTS = pa.list_(pa.string())
TEXT_MAP = pa.map_(pa.string(), pa.string())
COUNTS = pa.map_(pa.string(), pa.uint32())
FLOATS = pa.list_(pa.float64())
DAY = pa.date32()
BOOL = pa.bool_()
I8, I32, I64 = pa.int8(), pa.int32(), pa.int64()
U32, U64 = pa.uint32(), pa.uint64()
MONEY = pa.decimal128(38, 12)
"""US dollars; twelve decimals hold any token times any price of a millionth of a cent exactly."""
SCORE = pa.binary(32)
"""An unsigned integer of 256 bits, little-endian."""

_RANGES = {
    I8: (-(2**7), 2**7 - 1),
    I32: (-(2**31), 2**31 - 1),
    I64: (-(2**63), 2**63 - 1),
    U32: (0, 2**32 - 1),
    U64: (0, 2**64 - 1),
}
_MONEY_STEP = Decimal(1).scaleb(-12)
_MONEY_CONTEXT = Context(prec=38, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """A column: its name, its Arrow type and where its value comes from."""

    name: str
    type: pa.DataType
    of: Callable[[Item], Any]


def table_of(columns: Sequence[Column[Item]], items: Sequence[Item]) -> pa.Table:
    """The rows of some items; no value of any item can make it fail."""
    arrays = [pa.array([fit(column.of(item), column.type) for item in items], column.type) for column in columns]
    return pa.Table.from_arrays(arrays, schema=schema_of(columns))


def schema_of(columns: Iterable[Column[Any]]) -> pa.Schema:
    """The Arrow schema of a column list."""
    return pa.schema([pa.field(column.name, column.type) for column in columns])


def fit(value: Any, kind: pa.DataType) -> Any:
    """A value as its column can hold it: text cleaned, numbers clamped to their range, money rounded to its step."""
    if value is None:
        return None
    if kind == TEXT:
        return clean_text(str(value.value if isinstance(value, Enum) else value))
    if kind in _RANGES:
        low, high = _RANGES[kind]
        return min(max(int(value), low), high)
    if kind == TEXTS:
        return [clean_text(str(item)) for item in value]
    if kind == TEXT_MAP:
        return [(clean_text(key), clean_text(item)) for key, item in value.items()]
    if kind == MONEY:
        return _money(value)
    return value


def _money(value: Decimal) -> Decimal | None:
    """None when no column could hold it (26 digits before the point): absurd input, never a reason to fail."""
    try:
        return value.quantize(_MONEY_STEP, context=_MONEY_CONTEXT) if value.is_finite() else None
    except InvalidOperation:
        return None


def plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of an Arrow table as the engine would return it: maps as dicts, scores as integers."""
    return {name: _plain_cell(value) for name, value in row.items()}


def _plain_cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return int.from_bytes(value, "little")
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    return value


def trimmed(money: Decimal) -> Decimal:
    """Money without the zeros that its column appended."""
    short = money.normalize()
    return short.quantize(Decimal(1)) if int(short.as_tuple().exponent) > 0 else short
