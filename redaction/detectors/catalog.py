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


WHY = (
    "written like a secret, or announced as one by the words or the key before it",
    "the issuer, the length and the check digit of a payment card",
    "the country, the length and the check digits of an IBAN",
    "a social security number, with dashes or announced by a word",
    "the form and the checksum of a wallet address",
    "the form of an e-mail address",
    "a telephone number by its form, confirmed by the numbering plan or by a word beside it",
    "the form of an IP address that is no version and no loopback",
    "a date beside a word or under a key that speaks of birth",
    "the form of a street address, or a key that announces one",
    "a key, a greeting or an introduction that announces a name or a place",
    "a given name that is known",
    "the name of a country or a town, or words that announce one",
)
"""What each detector goes by, in the same order."""
