from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.orders import ORDERS, order_of
from tests.builders import a_run


@pytest.mark.parametrize("order", ORDERS.values(), ids=lambda o: o.name or "newest")
def test_what_a_cursor_writes_can_be_read_again(order):
    for run in (a_run(cost_usd=None), a_run(cost_usd=Decimal("0.000000000001")), a_run(duration_ns=2**63 - 1)):
        assert order.read(str(order.of(run))) == order.of(run)


@given(st.sampled_from(sorted(ORDERS)), st.text(max_size=60))
def test_any_text_is_a_value_or_refused(name, text):
    try:
        order_of(name).read(text)
    except ValueError:
        return
