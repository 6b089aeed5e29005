"""What the page says of redaction is what workers do."""

from __future__ import annotations

from redaction.measured import MEASURED
from redaction.rules import ENGINE, Mode, RedactionRules
from tracetape.redaction_rules import rules_in_force
from tracetape.settings import ServeSettings


def test_a_setting_that_asks_for_less_wins():
    assert rules_in_force(ServeSettings()) == RedactionRules.default()
    assert rules_in_force(ServeSettings(redaction="rules")).mode is Mode.RULES


def test_the_measurement_was_taken_with_these_detectors():
    """`python -m bench.redaction --generate 1500 --turns --write` takes it again."""
    assert MEASURED.engine == ENGINE
    assert MEASURED.texts >= 1000
    assert {one.entity for one in MEASURED.recall} >= {"PERSON", "SECRET", "LOCATION", "IBAN_CODE"}
