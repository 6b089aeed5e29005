from __future__ import annotations

import re
from decimal import Decimal

import pytest

from spans.ids import RunId
from spans.kinds import OutcomeLabel
from spans.roles import Role
from spans.run import Assembly, Outcome
from spans.usage import Usage
from tests.builders import NOW_NS, SECOND_NS, a_run
from tests.web.house import House
from web.format import NBSP, cell


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (None, ""),
        (0, ' data-v="0"'),
        (12_400, ' data-v="12400"'),
        (Decimal("1234.560"), ' data-v="1234.56"'),
        (Decimal("1E+3"), ' data-v="1000"'),
        (0.00000012, ' data-v="0.00000012"'),
    ],
)
def test_a_cell_holds_its_number_without_rounding(value, attribute):
    assert cell(value) == attribute


@pytest.fixture
def dear(house: House) -> House:
    """One run whose cost and tokens are shown shorter than they are."""
    run = a_run(
        run_id=RunId("a" * 32),
        started_ns=NOW_NS - 60 * SECOND_NS,
        cost_usd=Decimal("1234.567"),
        usage=Usage(input=12_432, output=30),
        outcome=Outcome(OutcomeLabel.SUCCESS, "rule"),
        workflow_version="v1",
    )
    house.store.write_derived([Assembly(run, ())])
    return house


@pytest.mark.parametrize(
    "address",
    [
        "/spend",
        "/workflows",
        "/",
        "/runs?group=workflow",
        "/workflows/refunds?tab=versions",
        "/workflows/refunds?tab=spend",
    ],
)
def test_tables_hold_exact_amounts_beside_the_short_words(dear: House, address: str):
    page = dear.client(Role.VIEWER).get(address, follow_redirects=True).text
    cells = re.findall(r'<td class="num[^>]*data-v="([\d.]+)">(.*?)</td>', page)
    amounts = [exact for exact, shown in cells if "$1.2" in shown]
    assert amounts
    assert set(amounts) == {"1234.567"}


def test_tokens_are_whole_numbers_in_the_table(dear: House):
    page = dear.client(Role.VIEWER).get("/runs?group=workflow").text
    assert f'data-v="12462">12.5{NBSP}k' in page
