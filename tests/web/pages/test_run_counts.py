from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from spans.kinds import RunShape, RunStatus
from store.api import Bucket, RunQuery, Totals
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run, a_trace_id
from tests.store.contract import an_assembly
from web.pages.run_counts import bars_of, likely_part, shape_counts

QUERY = RunQuery("default", since_ns=NOW_NS, until_ns=NOW_NS + 480, limit=3, shape=("agent",))
SHAPES = (RunShape.AGENT, RunShape.SINGLE_CALL)


def a_store(*starts: int) -> MemoryStore:
    store = MemoryStore()
    for n, start in enumerate(starts):
        run = a_run(run_id=a_trace_id(n + 1), started_ns=NOW_NS + start, shape=SHAPES[n % 5 == 4])
        store.write_derived([structs.replace(an_assembly(), run=run, steps=())])
    return store


def test_chips_and_bars_come_from_one_reading():
    found = {
        "agent": (Bucket(0, Totals(runs=2, errors=1)), Bucket(5, Totals())),
        "single_call": (Bucket(0, Totals(runs=1, denials=3)), Bucket(5, Totals(runs=4))),
    }
    assert shape_counts(found) == {"agent": 2, "single_call": 5}
    assert bars_of(found, ("agent",)) == found["agent"]
    assert bars_of(found, ()) == (Bucket(0, Totals(runs=3, errors=1, denials=3)), Bucket(5, Totals(runs=4)))
    assert [b.totals.runs for b in bars_of(found, ("setup",))] == [0, 0]
    assert bars_of({}, ("agent",)) == ()


@settings(deadline=None)
@given(
    st.lists(st.integers(-10, 500), max_size=25),
    st.sampled_from(["", "oldest", "cost", "duration_up"]),
    st.integers(1, 9),
)
def test_the_first_page_is_the_same_wherever_it_was_looked_for(starts, order, limit):
    store, query = a_store(*starts), replace(QUERY, order=order, limit=limit)
    part = likely_part(query, bars_of(store.shape_series(query, 48), query.shape))
    whole = store.find_runs(query)
    if part is None:
        assert order or len(whole.rows) <= limit
    else:
        found = store.find_runs(part)
        assert (found.rows, found.next_cursor) == (whole.rows, whole.next_cursor)
        assert found.next_cursor


@pytest.mark.parametrize("changes", [{"cursor": "x"}, {"order": "cost"}, {"limit": 5}])
def test_where_the_part_is_not_known_the_whole_range_is_read(changes):
    assert likely_part(replace(QUERY, **changes), (Bucket(NOW_NS, Totals(runs=5)),)) is None


def test_a_list_of_newest_runs_needs_the_end_of_its_range():
    bars = tuple(Bucket(NOW_NS + 10 * n, Totals(runs=2)) for n in range(48))
    assert likely_part(QUERY, bars).since_ns == NOW_NS + 460
    assert likely_part(replace(QUERY, order="oldest"), bars).until_ns == NOW_NS + 20


def test_errors_are_runs_that_ended_with_one():
    store = MemoryStore()
    store.write_derived(
        [structs.replace(an_assembly(), run=a_run(started_ns=NOW_NS, status=RunStatus.ERROR, errors=7), steps=())]
    )
    assert store.shape_series(QUERY, 1)["agent"][0].totals == Totals(runs=1, errors=1)
