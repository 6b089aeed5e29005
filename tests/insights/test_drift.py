"""Drift: the two tests against known values, and the verdict's floor, dispersion and silence."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.drift import (
    ALERT_Z,
    LEAST_RUNS,
    DriftLevel,
    judge_number,
    judge_rate,
    rate_matters,
    stratum_of,
)
from store.rank_tests import Sample, Table, cochran_mantel_haenszel, dispersion, van_elteren

BERKELEY = (
    # men, men admitted, women, women admitted: the six departments of 1973
    Table(825, 512, 108, 89),
    Table(560, 353, 25, 17),
    Table(325, 120, 593, 202),
    Table(417, 138, 375, 131),
    Table(191, 53, 393, 94),
    Table(373, 22, 341, 24),
)


def test_the_admissions_of_berkeley_give_the_published_statistic():
    """Mantel-Haenszel X-squared = 1.4269 with continuity correction, p = 0.2323; fewer men than expected."""
    test = cochran_mantel_haenszel(BERKELEY)
    assert test.z**2 == pytest.approx(1.4269, abs=5e-5)
    assert math.erfc(abs(test.z) / math.sqrt(2)) == pytest.approx(0.2323, abs=5e-5)
    assert test.z < 0


def test_one_stratum_is_the_rank_sum_test():
    """U = 9 of 9, variance 3*3*7/12: z = 4.5 / sqrt(5.25)."""
    test = van_elteren([([4, 5, 6], [1, 2, 3])])
    assert test.z == pytest.approx(4.5 / math.sqrt(5.25))
    assert test.shift == 0.5


def test_ties_lower_the_variance():
    """Values 1 2 2 3 | 2 3 4 4: U = 13 of 16; ties of 3, 2, 2 give 24 + 6 + 6 of 504."""
    test = van_elteren([([2, 3, 4, 4], [1, 2, 2, 3])])
    variance = 4 * 4 * 9 / 12 * (1 - 36 / 504)
    assert test.z == pytest.approx((13.5 - 8) / math.sqrt(variance))


def test_strata_are_weighed_by_their_size():
    """Two strata, weights 1/7 and 1/5: (4.5/7 - 1.5/5) / sqrt(5.25/49 + 1.25/25)."""
    test = van_elteren([([4, 5, 6], [1, 2, 3]), ([0], [1, 2, 3])])
    assert test.z == pytest.approx((4.5 / 7 - 1.5 / 5) / math.sqrt(5.25 / 49 + 1.25 / 25))
    assert (test.current_runs, test.reference_runs) == (4, 6)


def test_a_stratum_with_too_little_does_not_count():
    alone = [([4, 5, 6], [1, 2, 3])]
    assert van_elteren([*alone, ([], [1, 2, 3]), ([9], [1, 2])]) == van_elteren(alone)
    assert cochran_mantel_haenszel([*BERKELEY, Table(0, 0, 9, 9), Table(9, 9, 2, 0)]) == cochran_mantel_haenszel(
        BERKELEY
    )


@pytest.mark.parametrize("strata", [[], [([], [])], [([1], [1, 1, 1])], [([1.0] * 40, [1.0] * 90)]])
def test_without_any_difference_between_values_there_is_no_test(strata):
    assert van_elteren(strata) is None
    assert cochran_mantel_haenszel([Table(len(n), len(n), len(o), len(o)) for n, o in strata]) is None


values = st.lists(st.integers(0, 9), min_size=3, max_size=20)


@given(st.lists(st.tuples(values, values), max_size=5))
def test_exchanging_the_sides_turns_the_sign(strata):
    one, other = van_elteren(strata), van_elteren([(old, new) for new, old in strata])
    if one is None:
        assert other is None
    else:
        assert one.z == pytest.approx(-other.z, abs=1e-9)
        assert -0.5 <= one.shift <= 0.5


def runs(days, per_day, draw, *, seed=1, shift_of_day=0.0):
    rng = random.Random(seed)
    return [
        Sample(day, n % 4, draw(rng) + off)
        for day in days
        for off in [rng.gauss(0, shift_of_day)]
        for n in range(per_day)
    ]


def normal(rng):
    return rng.gauss(10, 1)


def test_a_number_that_moved_alerts_with_its_size():
    change = judge_number(runs([9], 100, lambda r: r.gauss(11, 1), seed=2), runs(range(7), 100, normal))
    assert change.level is DriftLevel.ALERT
    assert change.after - change.before == pytest.approx(1, abs=0.3)
    assert change.effect == pytest.approx(0.26, abs=0.08)
    assert (change.current_runs, change.reference_runs) == (100, 700)


def test_noise_does_not_alert():
    levels = [
        judge_number(runs([9], 100, normal, seed=n), runs(range(7), 100, normal, seed=-n - 1)).level for n in range(30)
    ]
    assert levels.count(DriftLevel.NONE) >= 29


def test_days_that_differ_anyway_take_a_change_back():
    calm, restless = (runs(range(7), 100, normal, shift_of_day=s) for s in (0.0, 1.0))
    moved = runs([9], 100, lambda r: r.gauss(10.8, 1), seed=5)
    assert judge_number(moved, calm).level is DriftLevel.ALERT
    change = judge_number(moved, restless)
    assert change.dispersion > 4
    assert abs(change.z) < ALERT_Z


def test_a_sure_but_tiny_change_stays_below_the_floor():
    change = judge_number(runs([9], 4000, lambda r: r.gauss(10.15, 1), seed=2), runs(range(7), 2000, normal))
    assert change.z > ALERT_Z
    assert change.level is DriftLevel.NONE


def test_below_thirty_runs_there_is_no_verdict():
    reference = runs(range(7), 100, normal)
    assert judge_number(runs([9], LEAST_RUNS - 1, lambda _: 99.0), reference) is None
    assert judge_number(runs([9], LEAST_RUNS, lambda _: 99.0), reference) is not None
    assert judge_rate(runs([9], 29, lambda _: 1.0), runs(range(7), 100, lambda _: 0.0)) is None


def test_values_that_are_no_numbers_are_left_out():
    current, reference = runs([9], 60, normal), runs(range(7), 60, normal, seed=2)
    broken = [Sample(9, 0, math.nan), Sample(9, 1, math.inf)]
    assert judge_number([*current, *broken], [*reference, *broken]) == judge_number(current, reference)


def test_a_rate_that_rose_alerts():
    def yes(p):
        return lambda r: float(r.random() < p)

    change = judge_rate(runs([9], 100, yes(0.2), seed=3), runs(range(7), 100, yes(0.03)))
    assert change.level is DriftLevel.ALERT
    assert change.before == pytest.approx(0.03, abs=0.02)
    assert change.after == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize(
    ("before", "after", "matters"),
    [
        (0.5, 0.56, True),
        (0.5, 0.54, False),
        (0.01, 0.035, True),
        (0.04, 0.065, True),
        (0.2, 0.23, False),
        (0, 0.03, True),
    ],
)
def test_a_rate_matters_by_points_or_by_factor(before, after, matters):
    assert rate_matters(before, after) is matters
    assert rate_matters(after, before) is matters


def test_dispersion_is_at_least_one():
    assert dispersion([]) == dispersion([0.1, 0.2]) == 1
    assert dispersion([3, -1]) == 5


@pytest.mark.parametrize(
    ("moment", "stratum"),
    [("2026-11-23T00:00", 0), ("2026-11-27T23:59", 3), ("2026-11-28T06:00", 5), ("2026-11-29T18:00", 7)],
)
def test_a_stratum_is_a_block_of_the_week(moment, stratum):
    assert stratum_of(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == stratum
