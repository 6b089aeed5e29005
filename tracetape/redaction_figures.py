"""What the Redaction page says of redaction itself: the rules in force, what waits, what the detectors were measured to find."""

from __future__ import annotations

from dataclasses import replace

from redaction.measured import MEASURED
from redaction.rules import Mode, RedactionRules, load_rules
from spans.health import RedactionFigures
from tracetape.house import House
from tracetape.settings import ServeSettings


def rules_in_force(settings: ServeSettings) -> RedactionRules:
    """The rules as workers apply them: a setting that asks for less wins over the file."""
    rules = load_rules(settings.redaction_rules) if settings.redaction_rules else RedactionRules.default()
    return rules if settings.redaction == Mode.FULL.value else replace(rules, mode=Mode(settings.redaction))


def redaction_figures(house: House) -> RedactionFigures:
    """Figures of this moment."""
    rules = rules_in_force(house.settings)
    return RedactionFigures(
        mode=rules.mode.value,
        fingerprint=rules.fingerprint,
        withheld_waiting=len(house.broker.withheld.list()),
        recall=tuple((one.entity, one.recall, one.planted) for one in MEASURED.recall),
        measured_texts=MEASURED.texts,
        false_findings=MEASURED.false_findings_per_400,
    )
