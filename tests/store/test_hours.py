from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from store.hours import HOUR_NS, LONGEST_NS, bucket_middle_ns, bucket_of, hour_of, quantile_ns


@given(st.integers(-(2**70), 2**70))
def test_a_bucket_stands_for_its_durations_within_a_sixtieth(duration_ns):
    bounded = min(max(duration_ns, 0), LONGEST_NS)
    middle = bucket_middle_ns(bucket_of(duration_ns))
    assert abs(middle - bounded) <= bounded / 60
    assert bucket_of(middle) == bucket_of(duration_ns)


@given(st.integers(0, 2**50), st.integers(0, 2**50))
def test_buckets_are_in_order(one, other):
    assert (bucket_of(min(one, other))) <= bucket_of(max(one, other))


def test_a_quantile_is_where_the_share_is_reached():
    durations = {bucket_of(n): 1 for n in range(1, 11)}
    assert [quantile_ns(durations, share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 5, 10, 10]
    assert quantile_ns({}, 0.5) is None


@given(st.integers(-(2**70), 2**70))
def test_an_hour_is_whole(time_ns):
    hour = hour_of(time_ns)
    assert hour % HOUR_NS == 0
    assert 0 <= hour < 2**64
