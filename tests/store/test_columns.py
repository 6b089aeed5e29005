from __future__ import annotations

from decimal import Decimal

import pytest

from store.columns import I8, MONEY, TEXT, TEXT_MAP, TEXTS, U64, Column, fit, table_of, trimmed


@pytest.mark.parametrize(
    ("value", "kind", "fitted"),
    [
        (None, TEXT, None),
        (5, TEXT, "5"),
        (300, I8, 127),
        (-300, I8, -128),
        (-1, U64, 0),
        (("a", "\ud800"), TEXTS, ["a", "\ufffd"]),
        ({"\ud800": "x"}, TEXT_MAP, [("\ufffd", "x")]),
        (Decimal("0.0000000000005"), MONEY, Decimal(0)),
        (Decimal("0.0000000000015"), MONEY, Decimal("0.000000000002")),
        (Decimal("NaN"), MONEY, None),
        (Decimal("1e30"), MONEY, None),
    ],
)
def test_a_value_is_made_to_fit_its_column(value, kind, fitted):
    assert fit(value, kind) == fitted


def test_a_table_has_its_columns_even_without_rows():
    table = table_of([Column("a", TEXT, lambda x: x)], [])
    assert (table.column_names, table.num_rows) == (["a"], 0)


@pytest.mark.parametrize(
    ("money", "shown"),
    [("1.500000000000", "1.5"), ("100.000000000000", "100"), ("0E-12", "0"), ("0.000000000001", "1E-12")],
)
def test_money_loses_the_zeros_of_its_column(money, shown):
    assert str(trimmed(Decimal(money))) == shown
