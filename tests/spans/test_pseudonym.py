"""Pseudonyms are stable, keyed, canonical, shaped for parsers and recognised when they come back."""

from __future__ import annotations

import re
import uuid
from datetime import date

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spans.errors import RefusedError
from spans.pseudonym import (
    HIDDEN,
    WITHHELD,
    canonical,
    is_token,
    is_token_date,
    parse_pseudonym,
    pseudonym,
    removed,
    token_spans,
    with_age,
)

KEY = b"k" * 32
ENTITIES = (
    "PERSON", "LOCATION", "ADDRESS", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN",
    "IP_ADDRESS", "CRYPTO", "UUID", "SECRET",
)  # fmt: skip


@pytest.mark.parametrize(
    ("entity", "one", "other"),
    [
        ("PHONE_NUMBER", "+1 (415) 555-2671", "+14155552671"),
        ("PHONE_NUMBER", "(415) 555-2671", "+1 415 555 2671"),
        ("CREDIT_CARD", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("IBAN_CODE", "de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("US_SSN", "219-09-9999", "219 09 9999"),
        ("EMAIL_ADDRESS", "Maria@Example.COM", "maria@example.com"),
        ("PERSON", "Maria Gonzalez", "MARIA  GONZALEZ"),
        ("PERSON", "\uff21nna", "anna"),
        ("IP_ADDRESS", "2001:DB8:0:0::1", "2001:db8::1"),
        ("DATE_OF_BIRTH", "1984-02-29", "29.02.1984"),
        ("DATE_OF_BIRTH", "February 29, 1984", "29 Feb 1984"),
    ],
)
def test_two_spellings_of_one_value_share_a_token(entity, one, other):
    assert canonical(entity, one) == canonical(entity, other)
    if entity != "DATE_OF_BIRTH":
        assert pseudonym(entity, one, KEY) == pseudonym(entity, other, KEY)


def test_tokens_never_change_between_releases():
    """Stored pseudonyms must still match after an update: these are test vectors."""
    assert {entity: pseudonym(entity, "4111 1111 1111 1111", KEY) for entity in ENTITIES} == VECTORS


VECTORS = {
    "PERSON": "<PERSON_p7a35mct>",
    "LOCATION": "<LOCATION_xo56ttkv>",
    "ADDRESS": "<ADDRESS_waox5dqz>",
    "EMAIL_ADDRESS": "p-y77i2v6s@pii.example.net",
    "PHONE_NUMBER": "+88829401027638",
    "CREDIT_CARD": "9999298546614383",
    "IBAN_CODE": "DE16999935541288805343",
    "US_SSN": "<US_SSN_6jleroko>",
    "IP_ADDRESS": "<IP_ADDRESS_qa2oavls>",
    "CRYPTO": "<CRYPTO_xnxnmldk>",
    "UUID": "ffffffff-ffff-4fe4-885c-4a4c31c36712",
    "SECRET": "<SECRET>",
}


def test_another_project_gets_another_token():
    assert pseudonym("PERSON", "Maria", KEY) != pseudonym("PERSON", "Maria", b"x" * 32)


def test_the_entity_is_part_of_the_token():
    assert pseudonym("PERSON", "Paris", KEY)[-9:] != pseudonym("LOCATION", "Paris", KEY)[-9:]


def test_people_become_a_visible_tag():
    assert re.fullmatch(r"<PERSON_[a-z2-7]{8}>", pseudonym("PERSON", "Maria", KEY))
    assert re.fullmatch(r"<PERSON_[a-z2-7]{12}>", pseudonym("PERSON", "Maria", KEY, digits=12))


def test_every_secret_becomes_the_same_token():
    assert pseudonym("SECRET", "a", KEY) == pseudonym("SECRET", "b", KEY) == HIDDEN


@given(st.text(min_size=1), st.sampled_from(ENTITIES))
def test_a_token_is_recognised_and_left_alone(value, entity):
    token = pseudonym(entity, value, KEY)
    assert is_token(token)
    assert pseudonym(entity, token, b"other key") == token


@given(st.integers(0, 10**16))
def test_card_tokens_pass_the_luhn_check(number):
    token = pseudonym("CREDIT_CARD", str(number), KEY)
    digits = [int(digit) for digit in reversed(token)]
    total = sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    assert len(token) == 16
    assert total % 10 == 0


@given(st.text())
def test_iban_tokens_pass_the_mod_97_check(value):
    token = pseudonym("IBAN_CODE", value, KEY)
    if token != value:
        assert len(token) == 22
        assert int("".join(str(int(c, 36)) for c in token[4:] + token[:4])) % 97 == 1


def test_phone_tokens_are_valid_for_the_phone_library():
    assert phonenumbers.is_valid_number(phonenumbers.parse(pseudonym("PHONE_NUMBER", "+14155552671", KEY)))


def test_uuid_tokens_are_version_4_uuids():
    assert uuid.UUID(pseudonym("UUID", str(uuid.UUID(int=5)), KEY)).version == 4


@pytest.mark.parametrize(
    ("born", "shape"),
    [
        ("1984-02-29", r"18\d\d-\d\d-\d\d"),
        ("29.02.1984", r"\d\d\.\d\d\.18\d\d"),
        ("02/29/1984", r"\d\d/\d\d/18\d\d"),
        ("February 29, 1984", r"[A-Z][a-z]+ \d{1,2}, 18\d\d"),
        ("29 Feb 1984", r"\d{1,2} [A-Z][a-z]{2} 18\d\d"),
    ],
)
def test_birth_dates_keep_their_spelling_and_move_to_another_century(born, shape):
    token = pseudonym("DATE_OF_BIRTH", born, KEY)
    assert re.fullmatch(shape, token)
    assert is_token_date(token)
    assert not is_token_date(born)


def test_iso_birth_date_tokens_are_real_dates():
    assert date.fromisoformat(pseudonym("DATE_OF_BIRTH", "1984-02-29", KEY)).year < 1900


def test_a_birth_date_we_cannot_spell_becomes_a_tag():
    assert pseudonym("DATE_OF_BIRTH", "third of May", KEY).startswith("<DATE_OF_BIRTH_")


def test_numbers_keep_their_length():
    assert re.fullmatch(r"9\d{6}", pseudonym("NUMBER", "1234567", KEY))


def test_a_removed_value_leaves_a_token_that_is_recognised():
    assert removed("PERSON") == "<PERSON_REMOVED>"
    assert all(is_token(removed(entity)) for entity in ENTITIES)


def test_tokens_are_found_inside_text():
    token = pseudonym("CREDIT_CARD", "4111111111111111", KEY)
    text = f"card {token}, failed {WITHHELD}, order 9999123412341234"
    assert [text[start:end] for start, end in token_spans(text)] == [token, WITHHELD]


@pytest.mark.parametrize(
    "text", ["", "Maria", "<person_aaaaaaaa>", "<PERSON_aaaaaaa1>", "<MARIA>", "4111111111111111", "<b>"]
)
def test_other_text_is_no_token(text):
    assert not is_token(text)


@pytest.mark.parametrize("entity", [e for e in ENTITIES if e != "SECRET"])
def test_every_pseudonym_of_somebody_is_parsed_and_nothing_else(entity):
    token = pseudonym(entity, "someone 4711", KEY)
    assert parse_pseudonym(f" {token}\n") == token
    for text in (removed(entity), f"{token} {token}", f"x{token}", token[:-1], ""):
        with pytest.raises(RefusedError):
            parse_pseudonym(text)


def test_a_pseudonym_of_an_entity_with_a_digit_in_its_name_is_a_token_too():
    assert is_token(pseudonym("MEMBER_ID2", "MB-123456", KEY))


def test_the_first_token_of_each_name_is_of_the_key_in_force():
    tokens = ["<PERSON_aaaaaaaa>", "<PERSON_bbbbbbbb>", "<APPROVER_cccccccc>", "<APPROVER_dddddddd>"]
    assert [retired for _, retired in with_age(tokens)] == [False, True, False, True]
    assert [retired for _, retired in with_age(["p-aaaaaaaa@pii.example.net", "p-bbbbbbbb@pii.example.net"])] == [
        False,
        True,
    ]
