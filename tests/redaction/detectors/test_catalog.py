"""The list of detectors is complete: each kind of value of the default rules is found by one of them."""

from __future__ import annotations

from redaction.detectors.catalog import build_detectors
from redaction.rules import DEFAULT_ENTITIES, RedactionRules
from redaction.words import NEVER_NAMES
from tests.redaction.detectors.helpers import a_piece

SAMPLE = (
    "My name is Maria Gonzalez, born 1984-02-29, maria@example.com, +1 (212) 555-0147, card 4111 1111 1111 1111, "
    "IBAN DE89 3704 0044 0532 0130 00, SSN 219-09-9999, from 203.0.113.42, password=hunter2x, "
    "wallet 1BoatSLRHtKNngkdXEeobR76b53LETtpyT, 742 Evergreen Terrace, Springfield"
)


def test_every_default_entity_has_a_detector(recognisers):
    detectors = build_detectors(RedactionRules.default(), recognisers.confirm, NEVER_NAMES)
    entities = {finding.entity for detector in detectors for finding in detector(a_piece(SAMPLE))}
    entities |= {finding.entity for detector in detectors for finding in detector(a_piece("Lyon", "city"))}
    assert entities == set(DEFAULT_ENTITIES)
