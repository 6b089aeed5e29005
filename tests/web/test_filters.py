from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spans.errors import RefusedError
from store.api import RunQuery
from web.filters import filters_of, params_of, parse_filters

ALL = {
    "workflow": "refund-agent",
    "version": "v12",
    "agent": "a",
    "service": "s",
    "session": "c-1",
    "user": "<PERSON_tapkmj7f>",
    "model": "gpt-4o-mini",
    "tool": "execute_refund",
    "tag": "vip",
    "status": "error",
    "outcome": "handed_off",
    "mode": "shadow",
    "denied": "1",
    "waiting": "0",
    "min_cost": "0.5",
    "attr.team": "payments",
    "q": "refund",
    "shape": "agent,single_call",
}


def test_every_filter_of_the_contract_is_read_and_written_back():
    query = parse_filters(ALL, RunQuery("p"))
    assert query.attributes == {"team": "payments"}
    assert query.min_cost == Decimal("0.5")
    assert (query.denied, query.waiting) == (True, False)
    assert params_of(query) == ALL


def test_filters_read_as_a_sentence():
    query = parse_filters({"workflow": "refund-agent", "min_cost": "0.50", "denied": "yes"}, RunQuery("p"))
    assert [f.words for f in filters_of(query)] == ["workflow is refund-agent", "had a denial", "cost $0.50 or more"]


def test_any_shape_is_no_filter():
    assert parse_filters({"shape": "any"}, RunQuery("p", shape=("agent",))).shape == ()


@pytest.mark.parametrize(
    "params",
    [
        {"status": "broken"},
        {"outcome": "great"},
        {"mode": "dark"},
        {"shape": "agent,round"},
        {"denied": "perhaps"},
        {"min_cost": "NaN"},
        {"min_cost": "-1"},
        {"min_cost": "1e99"},
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "٣"},
        {"workflow": "x" * 401},
    ],
)
def test_a_filter_that_cannot_be_served_is_refused_not_widened(params):
    with pytest.raises(RefusedError):
        parse_filters(params, RunQuery("p"))


@given(st.dictionaries(st.sampled_from([*ALL, "limit", "cursor", "attr.", "environment"]), st.text(max_size=30)))
def test_any_address_gives_a_query_or_a_refusal(params):
    with contextlib.suppress(RefusedError):
        assert parse_filters(params, RunQuery("p")).project == "p"
