from __future__ import annotations

import pytest

from insights.alerts.machine import AlertState, Look, Notice, Reading, Standing, advance, look_at
from insights.alerts.rule import Rule, RuleType, Severity, WhenSilent

MINUTE = 60 * 10**9


def a_rule(**changes):
    return Rule("r", RuleType.THRESHOLD, metric="cost_usd", above=10.0, **changes)


def reading(look, severity=Severity.TICKET):
    return Reading("refund", "production", look, severity=severity)


def walk(rule, *looks):
    """States and notices of one alert, five minutes apart."""
    standing, seen = Standing(), []
    for n, look in enumerate(looks):
        move = advance(standing, reading(*look) if isinstance(look, tuple) else reading(look), rule, n * 5 * MINUTE)
        standing = move.standing
        seen.append((standing.state.value, move.notice.value if move.notice else ""))
    return seen


def test_it_fires_once_and_resolves_after_two_good_looks():
    bad, good = Look.BAD, Look.GOOD
    assert walk(a_rule(), good, bad, bad, good, good, good) == [
        ("ok", ""),
        ("firing", "firing"),
        ("firing", ""),
        ("firing", ""),
        ("ok", "resolved"),
        ("ok", ""),
    ]


def test_a_value_that_rides_on_its_limit_does_not_flap():
    seen = walk(a_rule(), Look.BAD, Look.GOOD, Look.NEAR, Look.GOOD, Look.NEAR, Look.BAD, Look.GOOD, Look.GOOD)
    assert [notice for _, notice in seen if notice] == ["firing", "resolved"]


def test_it_waits_for_as_many_looks_as_the_rule_says():
    rule = a_rule(fire_after=3)
    seen = walk(rule, Look.BAD, Look.BAD, Look.GOOD, Look.BAD, Look.BAD, Look.BAD)
    assert [state for state, _ in seen] == ["pending", "pending", "ok", "pending", "pending", "firing"]
    assert [notice for _, notice in seen if notice] == ["firing"]


def test_it_reminds_after_its_time_unless_acknowledged():
    rule = a_rule(renotify_s=600)
    assert [n for _, n in walk(rule, *[Look.BAD] * 6) if n] == ["firing", "still_firing", "still_firing"]
    fired = advance(Standing(), reading(Look.BAD), rule, 0).standing
    known = Standing(fired.state, fired.severity, fired.since_ns, notified_ns=0, acknowledged=True)
    assert advance(known, reading(Look.BAD), rule, 60 * MINUTE).notice is None


def test_it_speaks_again_when_it_grows_louder_even_when_acknowledged():
    known = Standing(AlertState.FIRING, Severity.TICKET, acknowledged=True)
    move = advance(known, reading(Look.BAD, Severity.PAGE), a_rule(), MINUTE)
    assert (move.notice, move.standing.acknowledged) == (Notice.ESCALATED, False)


@pytest.mark.parametrize(
    ("when", "state", "notices"),
    [
        (WhenSilent.KEEP, "firing", ["firing"]),
        (WhenSilent.NO_DATA, "no_data", ["firing"]),
        (WhenSilent.NOTIFY, "no_data", ["firing", "no_data"]),
    ],
)
def test_silence_means_what_the_rule_says(when, state, notices):
    seen = walk(a_rule(when_silent=when), Look.BAD, Look.SILENT, Look.SILENT)
    assert seen[-1][0] == state
    assert [notice for _, notice in seen if notice] == notices


def test_data_after_silence_is_judged_anew():
    rule = a_rule(when_silent=WhenSilent.NOTIFY)
    assert walk(rule, Look.SILENT, Look.GOOD)[-1] == ("ok", "")
    assert walk(rule, Look.SILENT, Look.BAD)[-1] == ("firing", "firing")


@pytest.mark.parametrize(
    ("value", "limit", "is_above", "look"),
    [
        (10.0, 10.0, True, Look.NEAR),
        (10.1, 10.0, True, Look.BAD),
        (8.0, 10.0, True, Look.GOOD),
        (8.1, 10.0, True, Look.NEAR),
        (0.0, 0.0, True, Look.GOOD),
        (0.5, 0.0, True, Look.BAD),
        (0.94, 0.9, False, Look.NEAR),
        (0.95, 0.9, False, Look.GOOD),
        (0.89, 0.9, False, Look.BAD),
        (120.0, 100.0, False, Look.NEAR),
        (125.0, 100.0, False, Look.GOOD),
        (None, 1.0, True, Look.SILENT),
    ],
)
def test_a_limit_is_left_only_by_a_clear_step(value, limit, is_above, look):
    assert look_at(value, limit, is_above=is_above) is look
