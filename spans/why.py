"""Why something was taken for personal: what each detector goes by, as a code that is stored and as words for people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Why(StrEnum):
    """What gave a value away. Stored with every note of redaction."""

    SECRET = "secret"  # noqa: S105 - the name of a detector
    CARD = "card"
    IBAN = "iban"
    SSN = "ssn"
    WALLET = "wallet"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "ip_address"
    BIRTH = "birth"
    STREET = "street"
    ANNOUNCED = "announced"
    GIVEN_NAME = "given_name"
    PLACE_NAME = "place_name"
    MODEL = "model"
    RECOGNISER = "recogniser"
    SAME_SPAN = "same_span"
    LANGUAGE = "language"


WORDS: Final[Mapping[str, str]] = {
    Why.SECRET: "written like a secret, or announced as one by the words or the key before it",
    Why.CARD: "the issuer, the length and the check digit of a payment card",
    Why.IBAN: "the country, the length and the check digits of an IBAN",
    Why.SSN: "a social security number, with dashes or announced by a word",
    Why.WALLET: "the form and the checksum of a wallet address",
    Why.EMAIL: "the form of an e-mail address",
    Why.PHONE: "a telephone number by its form, confirmed by the numbering plan or by a word beside it",
    Why.ADDRESS: "the form of an IP address that is no version and no loopback",
    Why.BIRTH: "a date beside a word or under a key that speaks of birth",
    Why.STREET: "the form of a street address, or a key that announces one",
    Why.ANNOUNCED: "a key, a greeting or an introduction that announces a name or a place",
    Why.GIVEN_NAME: "a given name that is known",
    Why.PLACE_NAME: "the name of a country or a town, or words that announce one",
    Why.MODEL: "the language model read it as a name",
    Why.RECOGNISER: "a recogniser that the rules name",
    Why.SAME_SPAN: "the same full name was found elsewhere in this span",
    Why.LANGUAGE: "a script that no language of the redaction rules is written in, so nobody could look for names",
}


def words_of(why: str) -> str:
    """A stored reason in words; empty for evidence that was stored without one."""
    return WORDS.get(why, "")
