from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from store.api import RunQuery
from store.buckets import Buckets


@given(st.integers(0, 10**18), st.integers(1, 10**15), st.integers(1, 200))
def test_every_time_of_the_range_falls_into_a_part(since, length, count):
    parts = Buckets.of(RunQuery("p", since_ns=since, until_ns=since + length), count)
    assert parts.index(since) == 0
    assert 0 <= parts.index(since + length - 1) < count
    assert parts.start(count) >= since + length
