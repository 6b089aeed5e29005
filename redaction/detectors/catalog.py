"""The visible list of detectors, in the order of their certainty; grow it by adding a file and a line."""

from __future__ import annotations

from collections.abc import Container

from redaction.detectors.contacts import find_addresses, find_emails, find_phones
from redaction.detectors.given import find_given
from redaction.detectors.numbers import find_cards, find_ibans, find_ssns, find_wallets
from redaction.detectors.people import find_birth_dates, find_named, find_streets
from redaction.detectors.piece import Confirm, Detector
from redaction.detectors.places import find_places
from redaction.detectors.secrets import find_secrets
from redaction.rules import RedactionRules
from spans.why import Why


def build_detectors(rules: RedactionRules, confirm: Confirm, denied: Container[str]) -> tuple[Detector, ...]:
    """Every detector, set up by the rules.

    Args:
        rules: Thresholds and switches.
        confirm: Presidio's opinion on one candidate.
        denied: Words that are never a person or a place.
    """
    return (
        find_secrets,
        find_cards(confirm),
        find_ibans,
        find_ssns(confirm),
        find_wallets(confirm),
        find_emails,
        find_phones(confirm, rules.phone_regions, strict=rules.strict_phones),
        find_addresses(hide_private=rules.hide_private_addresses),
        find_birth_dates,
        find_streets,
        find_named(denied),
        find_given(denied),
        find_places(denied),
    )


REASONS = (
    Why.SECRET,
    Why.CARD,
    Why.IBAN,
    Why.SSN,
    Why.WALLET,
    Why.EMAIL,
    Why.PHONE,
    Why.ADDRESS,
    Why.BIRTH,
    Why.STREET,
    Why.ANNOUNCED,
    Why.GIVEN_NAME,
    Why.PLACE_NAME,
)
"""What each detector goes by, in the same order."""
