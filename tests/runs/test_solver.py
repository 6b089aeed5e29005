from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.rawusage import buckets, usage_in
from runs.solver import Convention, RawUsage, solve


def test_nothing_reported_is_nothing():
    assert solve(RawUsage()) is None


def test_zero_is_not_missing():
    assert solve(RawUsage(input=0, output=0)).input == 0


@pytest.mark.parametrize(
    ("raw", "total_in", "total_out", "assumed"),
    [
        (RawUsage(input=2000, output=100, cache_read=8000, total=10100), 10_000, 100, False),
        (RawUsage(input=10000, output=100, cache_read=8000, total=10100), 10_000, 100, False),
        (RawUsage(input=5, output=40, cache_read=128955, cache_write=1253), 130_213, 40, False),
        (RawUsage(input=100, output=10, reasoning=50, total=160), 100, 60, False),
        (RawUsage(input=100, output=60, reasoning=50, total=160), 100, 60, False),
        (RawUsage(input=10, output=10, reasoning=50), 10, 60, False),
        (RawUsage(input=100, output=10, cache_read=50), 100, 10, True),
        (RawUsage(input=100, output=10, cache_read=50, input_convention=Convention.EXCLUSIVE), 150, 10, False),
        (RawUsage(input=100, output=10, cache_read=150, input_convention=Convention.INCLUSIVE), 150, 10, False),
        (RawUsage(total=30), 30, None, False),
    ],
)
def test_the_convention_is_known_proven_or_assumed(raw, total_in, total_out, assumed):
    usage = solve(raw)
    assert (usage.input, usage.output, usage.assumed) == (total_in, total_out, assumed)


counts = st.one_of(st.none(), st.integers(0, 10_000))


@given(counts, counts, counts, counts, counts, counts, st.sampled_from(Convention), st.sampled_from(Convention))
def test_parts_never_exceed_their_whole(given_in, given_out, total, read, write, reasoning, one, other):
    usage = solve(RawUsage(given_in, given_out, total, read, write, None, reasoning, None, None, one, other))
    if usage is not None:
        assert (usage.cache_read or 0) + (usage.cache_write or 0) <= (usage.input or 0)
        assert (usage.reasoning or 0) <= (usage.output or 0)


@pytest.mark.parametrize(
    ("raw", "counted"),
    [
        (
            {
                "prompt_tokens": 462,
                "completion_tokens": 19,
                "total_tokens": 481,
                "prompt_tokens_details": {"cached_tokens": 336},
            },
            (462, 19, 336),
        ),
        (
            {
                "input_tokens": 5,
                "output_tokens": 40,
                "cache_read_input_tokens": 128955,
                "cache_creation_input_tokens": 1253,
            },
            (130213, 40, 128955),
        ),
        (
            {"prompt_token_count": 10, "candidates_token_count": 3, "thoughts_token_count": 5, "total_token_count": 18},
            (10, 8, None),
        ),
        ({"inputTokens": 4, "outputTokens": 2, "cacheReadInputTokens": 6, "totalTokens": 12}, (10, 2, 6)),
        ("no map", None),
    ],
)
def test_provider_objects_keep_their_own_convention(raw, counted):
    usage = solve(usage_in(raw))
    assert (usage and (usage.input, usage.output, usage.cache_read)) == counted


def test_buckets_are_added_unless_the_total_says_otherwise():
    assert solve(buckets({"input": 86, "input_cached_tokens": 17817, "output": 12, "total": 17915})).input == 17903
    assert solve(buckets({"input": 100, "cache_read_input_tokens": 80, "output": 10, "total": 110})).input == 100
