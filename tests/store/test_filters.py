from __future__ import annotations

from decimal import Decimal

import pytest

from spans.errors import RefusedError
from store.api import RunQuery
from store.filters import run_field, where
from tests.builders import a_run


def test_the_sentence_says_what_the_list_shows():
    query = RunQuery(
        "p", workflow="refunds", tool="refund", denied=True, min_cost=Decimal("0.50"), text="lost", environment=""
    )
    assert where(query).sentence == (
        "Runs, without environment, workflow is refunds, with tool refund, something was denied, "
        "cost at least $0.50, containing “lost”"
    )


def test_the_sentence_names_the_range_in_utc():
    assert where(RunQuery("p", since_ns=0)).sentence == "Runs, since 1970-01-01 00:00:00 UTC"
    assert where(RunQuery("p", until_ns=2**70)).sentence.startswith("Runs, until ")


def test_the_cursor_limits_the_page_but_not_the_totals():
    query = RunQuery("default", cursor="MS5h")
    assert not where(query, with_cursor=True).holds(a_run())
    assert where(query).holds(a_run())


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(RefusedError, match="workflow"):
        run_field("password")
