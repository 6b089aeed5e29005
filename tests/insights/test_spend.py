"""Spend spikes: quiet on simulated fleets without a change, awake for surges and single costly runs."""

from __future__ import annotations

import math
import random

import pytest

from insights.spend import LEARNING_HOURS, LIMITS, Sensitivity, SpendDetector, typical_run

DAYS = 28
START = 491_000
LATE = 23 * 24 + 11
"""Before noon on a working day of the fourth week."""
WEEKEND = 26 * 24 + 11


def poisson(rng, mean):
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def fleet_member(seed, per_day, *, surge_at=None, big_run_at=None):
    """Spend and runs of every hour: a shape of day and week, a day effect, heavy-tailed run costs."""
    rng = random.Random(seed)
    peak, width, weekend = rng.uniform(9, 15), rng.uniform(3.5, 6), rng.uniform(0.25, 0.7)
    median, hours = math.exp(rng.uniform(-5, -2)), []
    for day in range(DAYS):
        effect = rng.lognormvariate(0, 0.08)
        for hour in range(24):
            at = day * 24 + hour
            z = (hour + 0.5 - peak + 12) % 24 - 12
            mean = per_day * (0.15 + math.exp(-0.5 * (z / width) ** 2)) / (0.15 * 24 + width * 2.5066)
            mean *= weekend if day % 7 >= 5 else 1
            mean *= 4 if surge_at is not None and surge_at <= at < surge_at + 3 else 1
            runs = poisson(rng, mean)
            spend = sum(effect * rng.lognormvariate(math.log(median), 0.8) for _ in range(runs))
            if at == big_run_at:
                runs, spend = runs + 1, spend + 150 * median
            hours.append((spend, runs))
    return hours


def readings(hours, sensitivity=Sensitivity.NORMAL):
    detector = SpendDetector(sensitivity)
    return [detector.add(START + n, spend, runs) for n, (spend, runs) in enumerate(hours)]


def fired(hours, sensitivity=Sensitivity.NORMAL):
    return [n for n, reading in enumerate(readings(hours, sensitivity)) if reading.fires]


def episodes(alerts):
    """Alerts within 12 hours are one."""
    return sum(not n or at - alerts[n - 1] > 12 for n, at in enumerate(alerts))


@pytest.mark.parametrize(("per_day", "most"), [(15, 0.25), (100, 0.12), (700, 0.03)])
def test_false_alarms_stay_rare(per_day, most):
    members = 9
    alarms = sum(episodes(fired(fleet_member(seed, per_day))) for seed in range(members))
    assert alarms / (members * DAYS / 7) <= most


def test_a_surge_of_a_busy_workflow_is_found_within_its_three_hours():
    found = sum(any(LATE <= at < LATE + 3 for at in fired(fleet_member(s, 700, surge_at=LATE))) for s in range(5))
    assert found >= 4


def test_a_surge_of_runs_is_seen_in_their_number_where_their_cost_hides_it():
    """Also on a weekend day, of which the last seven days say little."""
    members = [fleet_member(seed, 100, surge_at=at) for at in (LATE, WEEKEND) for seed in range(6)]
    late = [*[LATE] * 6, *[WEEKEND] * 6]

    def found(counted):
        hours = [[(spend, runs if counted else None) for spend, runs in member] for member in members]
        return [any(at <= n < at + 3 for n in fired(h)) for h, at in zip(hours, late, strict=True)]

    assert sum(found(counted=True)) >= 9
    assert sum(found(counted=True)) > sum(found(counted=False)) + 2


def test_more_runs_that_cost_no_more_are_no_spike():
    hours = [(1.0 + 0.1 * (n % 5), 10) for n in range(24 * 20)]
    cheap, dear = (readings([*hours, (spend, 60)])[-1] for spend in (1.3, 6.0))
    assert not cheap.fires
    assert dear.fires


def test_the_first_weekend_does_not_make_two_weeks_deaf():
    """Nobody knew of it: it lies far below what working days led one to expect. A workflow that the far end both ways misses."""
    third = 19 * 24 + 11
    assert any(third <= at < third + 3 for at in fired(fleet_member(2, 700, surge_at=third)))


@pytest.mark.parametrize("per_day", [15, 100, 700])
def test_one_run_of_150_times_the_usual_cost_is_found_at_once(per_day):
    assert all(LATE in fired(fleet_member(seed, per_day, big_run_at=LATE)) for seed in range(4))


def test_a_quieter_setting_never_fires_where_a_readier_one_is_silent():
    hours = fleet_member(3, 100, surge_at=LATE)
    quiet, normal, watch = (set(fired(hours, s)) for s in (Sensitivity.QUIET, Sensitivity.NORMAL, Sensitivity.WATCH))
    assert quiet <= normal <= watch
    assert set(LIMITS) == set(Sensitivity)


def test_nothing_is_said_while_learning():
    young = readings([(1.0, 1)] * LEARNING_HOURS + [(9999.0, 1)])
    assert not any(r.fires or r.score for r in young)
    assert all(window.z is None for window in young[-1].windows)


def test_a_spike_says_how_much_more_was_spent_than_expected():
    *_, last = readings([(1.0 + 0.1 * (n % 5), 2) for n in range(24 * 20)] + [(50.0, 2)])
    hour = last.windows[0]
    assert (hour.hours, hour.spend, hour.fires) == (1, 50.0, True)
    assert hour.expected == pytest.approx(1.2, abs=0.2)
    assert hour.excess == pytest.approx(48.8, abs=0.2)
    assert last.score >= 1


def test_a_running_hour_is_read_as_it_fills():
    hours = [(1.0 + 0.1 * (n % 5), 2) for n in range(24 * 20)]
    detector = SpendDetector()
    for n, (spend, runs) in enumerate(hours):
        detector.add(START + n, spend / 2, runs // 2)
        whole = detector.add(START + n, spend / 2, runs // 2)
    assert [w.spend for w in whole.windows] == pytest.approx([w.spend for w in readings(hours)[-1].windows])


def test_hours_between_are_hours_without_spend():
    hours = [(1.0, 1) if n % 2 else (0.0, 0) for n in range(24 * 20)]
    detector = SpendDetector()
    sparse = [detector.add(START + n, *hour) for n, hour in enumerate(hours) if hour[1]]
    assert sparse[-1] == readings(hours)[-1]


def test_after_a_long_silence_a_workflow_is_learned_again():
    detector = SpendDetector()
    for n in range(24 * 20):
        detector.add(START + n, 1.0, 1)
    reading = detector.add(START + 10_000_000, 500.0, 1)
    assert not reading.fires
    assert reading.windows[0].expected is None


def test_the_unit_does_not_matter_when_everything_is_scaled():
    """A z in cents is a z in dollars; powers of two keep the arithmetic exact."""
    hours = fleet_member(1, 100, surge_at=LATE)
    scaled = [(spend * 1024, runs) for spend, runs in hours]
    assert [r.score for r in readings(scaled)] == pytest.approx([r.score for r in readings(hours)])


@pytest.mark.parametrize("spend", [-0.01, math.nan, math.inf])
def test_an_impossible_amount_is_refused(spend):
    with pytest.raises(ValueError, match="spend must be"):
        SpendDetector().add(START, spend)


def test_hours_do_not_go_back():
    detector = SpendDetector()
    detector.add(START, 1.0)
    with pytest.raises(ValueError, match="go back"):
        detector.add(START - 1, 1.0)


def test_a_typical_run_is_known_by_counts_or_by_quiet_hours():
    assert typical_run([]) == 0
    assert typical_run([(6.0, 2), (0.0, 0), (4.0, 4), (10.0, 5)]) == 2.0
    assert typical_run([(float(n), None) for n in range(11)]) == 2.0
