"""What the Redaction page says of redaction itself: the rules in force, what waits, what the detectors were measured to find."""

from __future__ import annotations

from redaction.measured import MEASURED
from spans.health import RedactionFigures
from tracetape.house import House
from tracetape.redaction_rules import rules_in_force


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
