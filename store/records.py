"""Frozen house types as rows: typed columns for what is filtered and summed, one JSON column for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Generic, TypeVar, get_args

import msgspec
import pyarrow as pa
from msgspec.structs import FieldInfo

from store.columns import MONEY, TEXT, TEXT_MAP, Column, schema_of, table_of, trimmed
from store.text import record_json

Item = TypeVar("Item", bound=msgspec.Struct)


class Record(Generic[Item]):
    """How one frozen struct stands in its table.

    `typed` names fields that have a column of their own; every other field that differs from its default goes into
    the column `data`. `extra` columns are made for queries only and never read back.
    """

    def __init__(self, kind: type[Item], typed: Mapping[str, pa.DataType], extra: Sequence[Column[Item]] = ()) -> None:
        self._kind = kind
        self._typed = dict(typed)
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        unknown = set(typed) - set(fields)
        if unknown:
            raise TypeError(f"{kind.__name__} has no field {', '.join(sorted(unknown))}")
        self._rest = tuple((name, _default(field)) for name, field in fields.items() if name not in typed)
        self._optional = {name for name in typed if typed[name] == TEXT and NoneType in get_args(fields[name].type)}
        self._columns: tuple[Column[Item], ...] = (
            *(Column(name, type_, self._getter(name)) for name, type_ in typed.items()),
            Column("data", TEXT, self._data),
            *extra,
        )

    @property
    def stored(self) -> tuple[str, ...]:
        """Columns to select, in order; `item` takes rows of them."""
        return (*self._typed, "data")

    @property
    def schema(self) -> pa.Schema:
        """Schema of the rows to insert."""
        return schema_of(self._columns)

    def table(self, items: Sequence[Item]) -> pa.Table:
        """Rows to insert."""
        return table_of(self._columns, items)

    def item(self, row: Mapping[str, Any]) -> Item:
        """The item of a row; columns it does not know are ignored."""
        values: dict[str, Any] = msgspec.json.decode(row["data"])
        for name, kind in self._typed.items():
            value = row[name]
            if name in self._optional and not value:
                value = None
            elif kind == TEXT_MAP:
                value = dict(value)
            elif kind == MONEY and value is not None:
                value = trimmed(value)
            values[name] = value
        return msgspec.convert(values, self._kind)

    def _getter(self, name: str) -> Any:
        if name in self._optional:
            return lambda item: getattr(item, name) or ""
        return lambda item: getattr(item, name)

    def _data(self, item: Item) -> str:
        return record_json(
            {name: value for name, default in self._rest if (value := getattr(item, name)) != default},
        )


def _default(field: FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
