"""Numbers are personal when a check digit or a word beside them says so."""

from __future__ import annotations

import pytest

from redaction.detectors.numbers import find_cards, find_ibans, find_ssns, find_wallets
from redaction.detectors.piece import Scope
from tests.redaction.detectors.helpers import found

CARDS = ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "378282246310005", "3782 822463 10005",
         "5555555555554444", "2223003122003222", "6011111111111117", "30569309025904", "3530111333300000"]  # fmt: skip


@pytest.mark.parametrize("card", CARDS)
def test_cards_are_found_whole(recognisers, card):
    detector = find_cards(recognisers.confirm)
    assert found(detector, f"paid with card {card}.") == [card]
    assert found(detector, f"card {card} exp 04/27 cvv 123") == [card]


@pytest.mark.parametrize("card", CARDS)
def test_cards_of_the_old_ranges_need_no_word(recognisers, card):
    """A number that begins with 2 and passes the check may be anything; one in ten does by chance."""
    assert found(find_cards(recognisers.confirm), card, "number") == ([] if card.startswith("2") else [card])


@pytest.mark.parametrize("text", ["2 x 4111 1111 1111 1111", "turn 49 4111 1111 1111 1111", "no 7 4111111111111111"])
def test_a_card_is_found_after_another_number(recognisers, text):
    assert [one[:4] for one in found(find_cards(recognisers.confirm), text)] == ["4111"]


@pytest.mark.parametrize(
    "text", ["5012 4821 3391 2201 4470 5513 6120 4402", "2024 4111 2024 4112 2025 4113", "1 4111 1111 11111111"]
)
def test_a_row_of_figures_is_no_card(recognisers, text):
    assert found(find_cards(recognisers.confirm), text) == []


@pytest.mark.parametrize("card", CARDS[:3])
def test_a_card_in_an_identifier_is_still_a_card(recognisers, card):
    assert found(find_cards(recognisers.confirm), card, scope=Scope.IDENTIFIER) == [card]


@pytest.mark.parametrize(
    "text",
    ["4111111111111112", "1738489156369", "1732460400000000000", "0.4111111111111111", "a4111111111111111", "0000000000000000",
     "4444444444444444", "978-3-829-71360-9", "1Z4826282918289440", "order 1234567890123456"],
)  # fmt: skip
def test_other_long_numbers_stay(recognisers, text):
    assert found(find_cards(recognisers.confirm), text) == []


@pytest.mark.parametrize(
    "iban",
    [
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "de89370400440532013000",
    ],
)
def test_ibans_are_found_whatever_follows(iban):
    for text in (iban, f"IBAN {iban} please", f"to {iban}.", f'"{iban}", "BIC"'):
        assert found(find_ibans, text) == [iban]


@pytest.mark.parametrize(
    "text", ["DE89 3704 0044 0532 0130 01", "ZZ89370400440532013000", "DE893704004405320130001", "AB12CD34EF56GH78"]
)
def test_what_fails_the_check_digits_is_no_iban(text):
    assert found(find_ibans, text) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("219-09-9999", ""),
        ("SSN 219 09 9999", ""),
        ("my ssn is 573792372", ""),
        ("573792372", "ssn"),
        ("social security: 573792372", ""),
    ],
)
def test_social_security_numbers_are_found(recognisers, text, key):
    assert len(found(find_ssns(recognisers.confirm), text, key)) == 1


@pytest.mark.parametrize(
    "text", ["573792372", "219 09 9999", "666-12-3456", "000-12-3456", "219-00-9999", "2024-09-1999", "order 573792372"]
)
def test_nine_digits_alone_are_no_social_security_number(recognisers, text):
    assert found(find_ssns(recognisers.confirm), text) == []


def test_wallets_are_found_by_checksum_or_word(recognisers):
    detector = find_wallets(recognisers.confirm)
    assert found(detector, "pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT now") == ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"]
    assert found(detector, "wallet 0x52908400098527886E0F7030069857D2E4169EE7") == [
        "0x52908400098527886E0F7030069857D2E4169EE7"
    ]
    assert found(detector, "commit 0x52908400098527886E0F7030069857D2E4169EE7") == []
    assert found(detector, "1BoatSLRHtKNngkdXEeobR76b53LETtpyX") == []
