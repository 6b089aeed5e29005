"""Amounts of money as decimals, from whatever an emitter wrote."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from spans.values import Value

_DIGITS = Decimal("0.000000000001")


def usd_of(value: Value) -> Decimal | None:
    """A finite amount >= 0, at most twelve decimals; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount > Decimal(10) ** 9:
        return None
    return amount.quantize(_DIGITS).normalize() if amount else Decimal(0)
