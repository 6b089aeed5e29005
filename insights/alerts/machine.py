"""Moves one alert from state to state: pure, so that live evaluation and a back-test cannot differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from insights.alerts.rule import Rule, Severity, WhenSilent


class AlertState(StrEnum):
    """Where an alert stands."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    NO_DATA = "no_data"


class Look(StrEnum):
    """What one look at the data says."""

    GOOD = "good"
    NEAR = "near"
    """Not over the limit, and not clearly below it either: an alert neither begins nor ends here (hysteresis)."""
    BAD = "bad"
    SILENT = "silent"


class Notice(StrEnum):
    """What a message is about."""

    FIRING = "firing"
    ESCALATED = "escalated"
    STILL_FIRING = "still_firing"
    RESOLVED = "resolved"
    NO_DATA = "no_data"


RESOLVE_SHARE = 0.8
"""An alert ends below this share of its limit, so that a value that rides on the limit does not flap."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule sees of one workflow at one look."""

    workflow: str
    environment: str
    look: Look
    group: str = ""
    severity: Severity = Severity.TICKET
    value: float | None = None
    limit: float | None = None
    sentence: str = ""
    run_ids: tuple[str, ...] = ()
    finding_id: str = ""
    began_ns: int = 0
    """When it began, as far as the data says; 0 when nothing does."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one alert between two looks. Times are Unix nanoseconds; 0 means never."""

    state: AlertState = AlertState.OK
    severity: Severity = Severity.TICKET
    since_ns: int = 0
    bad_looks: int = 0
    good_looks: int = 0
    notified_ns: int = 0
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """What a look changed."""

    standing: Standing
    notice: Notice | None = None

    def is_flip(self, before: Standing) -> bool:
        """Whether the state itself changed."""
        return self.standing.state is not before.state


def advance(before: Standing, reading: Reading, rule: Rule, now_ns: int) -> Move:
    """One look at one alert. The same inputs give the same answer, whoever asks and however often."""
    if reading.look is Look.SILENT:
        return _silent(before, rule, now_ns)
    if reading.look is Look.BAD:
        return _bad(before, reading, rule, now_ns)
    if before.state is AlertState.FIRING:
        return _calmer(before, reading, rule, now_ns)
    if before.state is AlertState.OK:
        return Move(before)
    return Move(Standing(AlertState.OK, before.severity, now_ns))


def _bad(before: Standing, reading: Reading, rule: Rule, now_ns: int) -> Move:
    if before.state is not AlertState.FIRING:
        looks = before.bad_looks + 1 if before.state is AlertState.PENDING else 1
        if looks < rule.fire_after:
            since = before.since_ns if before.state is AlertState.PENDING else now_ns
            return Move(Standing(AlertState.PENDING, reading.severity, since, bad_looks=looks))
        return Move(Standing(AlertState.FIRING, reading.severity, now_ns, notified_ns=now_ns), Notice.FIRING)
    if reading.severity.is_above(before.severity):
        # Louder than what was acknowledged: somebody has to look again.
        louder = replace(before, severity=reading.severity, good_looks=0, notified_ns=now_ns, acknowledged=False)
        return Move(louder, Notice.ESCALATED)
    due = rule.renotify_s > 0 and now_ns - before.notified_ns >= rule.renotify_s * 1_000_000_000
    if due and not before.acknowledged:
        return Move(replace(before, good_looks=0, notified_ns=now_ns), Notice.STILL_FIRING)
    return Move(replace(before, good_looks=0))


def _calmer(before: Standing, reading: Reading, rule: Rule, now_ns: int) -> Move:
    if reading.look is Look.NEAR:
        return Move(replace(before, good_looks=0))
    looks = before.good_looks + 1
    if looks < rule.resolve_after:
        return Move(replace(before, good_looks=looks))
    return Move(Standing(AlertState.OK, before.severity, now_ns), Notice.RESOLVED)


def _silent(before: Standing, rule: Rule, now_ns: int) -> Move:
    if rule.when_silent is WhenSilent.KEEP or before.state is AlertState.NO_DATA:
        return Move(before)
    told = Notice.NO_DATA if rule.when_silent is WhenSilent.NOTIFY else None
    standing = Standing(AlertState.NO_DATA, before.severity, now_ns, notified_ns=now_ns if told else 0)
    return Move(standing, told)


def look_at(value: float | None, limit: float, *, is_above: bool) -> Look:
    """How a value stands to a limit it should not pass upwards (`is_above`) or downwards."""
    if value is None:
        return Look.SILENT
    if is_above:
        return Look.BAD if value > limit else Look.GOOD if value <= limit * RESOLVE_SHARE else Look.NEAR
    calm_at = limit / RESOLVE_SHARE
    if limit <= 1:
        calm_at = min(calm_at, (1 + limit) / 2)  # a rate never exceeds 1: half of the way there is calm enough
    return Look.BAD if value < limit else Look.GOOD if value >= calm_at else Look.NEAR
