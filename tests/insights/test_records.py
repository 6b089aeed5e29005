"""Records: silence while nothing new happens, a score in units of what was seen."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.records import ALERT_SCORE, HIGHEST_SCORE, HOLD_BACK, RecordDetector, View, record_scores

HOUR_S = 3600


def noise(count, seed=1):
    rng = random.Random(seed)
    return [10 + rng.gauss(0, 1) for _ in range(count)]


def scores(values, step_s=HOUR_S):
    return record_scores((n * step_s, v) for n, v in enumerate(values))


def test_a_young_series_sets_no_record():
    assert scores([float(n * n) for n in range(HOLD_BACK)]) == [0.0] * HOLD_BACK


def test_a_value_inside_everything_seen_scores_nothing():
    assert set(scores([float(n % 24) for n in range(500)])) == {0.0}


def test_a_jump_beyond_everything_alerts_and_says_where():
    detector = RecordDetector()
    for n, value in enumerate(noise(400)):
        detector.observe(n * HOUR_S, value)
    reading = detector.observe(400 * HOUR_S, 40.0)
    assert reading.score > ALERT_SCORE
    assert reading.view is not None
    assert reading.is_high


def test_a_fall_is_as_much_of_a_record_as_a_rise():
    up = scores([*noise(400), 40.0])
    down = scores([*(-v for v in noise(400)), -40.0])
    assert up[-1] == pytest.approx(down[-1])


def test_a_value_that_is_usual_but_not_at_this_hour_is_a_record_of_the_residual():
    nights = [100.0 + n % 5 if n % 24 == 12 else 1.0 + n % 3 for n in range(24 * 20)]
    detector = RecordDetector()
    readings = [detector.observe(n * HOUR_S, v) for n, v in enumerate([*nights, 1.0, 1.0, 100.0])]
    assert readings[-1].score > ALERT_SCORE
    assert readings[-1].view in {View.RESIDUAL, View.RESIDUAL_MEAN}


def test_an_open_alert_speaks_again_only_when_it_gets_worse():
    *_, first, milder, worse = scores([*noise(800), 60.0, 30.0, 9000.0])
    assert first > 0
    assert milder == 0
    assert worse > first


def test_a_jump_off_a_flat_line_is_bounded():
    last = scores([5.0] * 300 + [6.0])[-1]
    assert 0 < last <= len(View) * HIGHEST_SCORE


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, -math.inf, 1e300])
def test_a_gap_scores_nothing_and_changes_nothing(gap):
    with_gap = scores([*noise(200), gap, 40.0])
    assert with_gap[200] == 0
    assert with_gap[201] > ALERT_SCORE


def test_the_unit_does_not_matter():
    values = [*noise(600), 30.0, *noise(50, seed=2)]
    assert scores([v / 1024 for v in values]) == pytest.approx(scores(values))


@given(st.lists(st.floats(-1e100, 1e100), min_size=80, max_size=200), st.integers(1, 79))
def test_scores_are_causal_finite_and_never_negative(values, cut):
    whole = scores(values)
    assert scores(values[:-cut]) == whole[:-cut]
    assert all(math.isfinite(s) and 0 <= s <= len(View) * HIGHEST_SCORE for s in whole)


def test_noise_without_change_grows_quieter():
    """The older a series, the rarer a record: per hour, the second month has at most half of the first week's alerts."""
    series = [scores(noise(24 * 60, seed)) for seed in range(8)]
    first_week = sum(s >= ALERT_SCORE for one in series for s in one[: 24 * 7]) / (24 * 7 - HOLD_BACK)
    second_month = sum(s >= ALERT_SCORE for one in series for s in one[24 * 30 :]) / (24 * 30)
    assert second_month < 0.5 * first_week
