"""One step of a rule: readings in, moves of its alerts out; the same code for live evaluation and for a back-test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insights.alerts.evaluators import evaluate
from insights.alerts.inputs import Inputs
from insights.alerts.machine import AlertState, Look, Move, Reading, Standing, advance
from insights.alerts.rule import Rule, fingerprint_of


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about, beside its rule."""

    workflow: str
    environment: str
    group: str


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as it stood before the step."""

    subject: Subject
    standing: Standing


@dataclass(frozen=True, slots=True)
class Step:
    """One alert's move: `before` is what it was when looked at."""

    fingerprint: str
    subject: Subject
    before: Standing
    move: Move
    reading: Reading

    def changes_anything(self) -> bool:
        """Whether there is something to keep."""
        return self.move.standing != self.before or self.move.notice is not None


def take_step(project: str, rule: Rule, inputs: Inputs, now_ns: int, known: Mapping[str, Known]) -> tuple[Step, ...]:
    """Look once through the eyes of a rule.

    Args:
        project: The project of the rule.
        rule: The rule.
        inputs: Answers as of `now_ns`.
        now_ns: The end of every window, Unix nanoseconds.
        known: The rule's alerts by fingerprint; one that is missing stands at OK.

    Returns:
        The alerts that were read, and those that were not OK and have nothing to read any more (they calm down).
    """
    readings = {_fingerprint(project, rule, r): r for r in evaluate(rule, inputs, now_ns)}
    for fingerprint, alert in known.items():
        if fingerprint not in readings and alert.standing.state is not AlertState.OK:
            subject = alert.subject
            readings[fingerprint] = Reading(subject.workflow, subject.environment, Look.GOOD, group=subject.group)
    return tuple(_step(fingerprint, reading, rule, now_ns, known) for fingerprint, reading in sorted(readings.items()))


def _fingerprint(project: str, rule: Rule, reading: Reading) -> str:
    return fingerprint_of(project, rule.rule_id, reading.workflow, reading.environment, reading.group)


def _step(fingerprint: str, reading: Reading, rule: Rule, now_ns: int, known: Mapping[str, Known]) -> Step:
    alert = known.get(fingerprint)
    before = alert.standing if alert else Standing()
    subject = Subject(reading.workflow, reading.environment, reading.group)
    return Step(fingerprint, subject, before, advance(before, reading, rule, now_ns), reading)


def standings_after(known: Mapping[str, Known], steps: Sequence[Step]) -> dict[str, Known]:
    """What is known after a step."""
    moved = {step.fingerprint: Known(step.subject, step.move.standing) for step in steps}
    return {**known, **moved}
