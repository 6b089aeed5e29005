"""E-mail addresses, telephone numbers and IP addresses are found; versions, dates and ids stay."""

from __future__ import annotations

import pytest

from redaction.detectors.contacts import find_addresses, find_emails, find_phones
from redaction.detectors.piece import Scope
from spans.pseudonym import PHONE_REGIONS
from tests.redaction.detectors.helpers import found


@pytest.fixture(scope="module")
def phones(recognisers):
    return find_phones(recognisers.confirm, PHONE_REGIONS, strict=True)


@pytest.mark.parametrize(
    "email", ["maria@example.com", "t.a+billing@mail.example.co.uk", "a_b@x-y.io", "ana@münchen.de"]
)
def test_email_addresses_are_found(email):
    for text in (email, f"<{email}>", f"mail {email}.", f"({email})", f"mailto:{email}?subject=x", f"'{email}'"):
        assert found(find_emails, text)[0] == email


@pytest.mark.parametrize("text", ["@maria", "a@b", "user@host", "x @ y.com", "@app.route", "1@2.3"])
def test_an_at_sign_alone_is_no_address(text):
    assert found(find_emails, text) == []


@pytest.mark.parametrize(
    "text",
    ["+1 (212) 555-0147", "+44 20 7946 0958", "(415) 555-2671", "+4930123805", "+33 6 12 33 63 36", "+972 50-234-6371",
     "00 44 20 7946 0958", "+234 802 123 4668", "+81 3-1234-5904"],
)  # fmt: skip
def test_numbers_with_a_plus_or_brackets_are_found_anywhere(phones, text):
    assert found(phones, f"note {text}, thanks") == [text]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("call 617.804.2043", ""),
        ("phone: 4155760607", ""),
        ("4155760607", "phone"),
        ("01 23 45 62 47", "mobile"),
        ("415-579-0095", ""),
    ],
)
def test_other_numbers_are_found_beside_a_word_or_key(phones, text, key):
    assert len(found(phones, text, key)) == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2025-08-10", ""), ("2025-07-20T10:57:23.031Z", ""), ("0.784308817292", ""), ("7963639045", ""), ("ORD-3602803", ""),
        ("4155760607", "order_id"), ("gpt-4.1-2025-04-14", ""), ("claude-sonnet-4-20250514", ""), ("978-3-829-71360-9", ""),
        ("1738489156369", ""), ("192.168.100.200", ""), ("5.9.20.1 (2025-04-02)", ""), ("18.057282, 55.853874", ""),
        ("47428c3d-d46c-436b-a3a6-2f301f465365", ""), ("10 20 30 40 50 60 70 80 90", ""), ("1 2 3 4 5 6 7 8 9", ""), ("7568/10000", ""),
        ("(2026-08-15)", ""), ("2.51 2000/09/07 22", ""), ("7.2.2.20261111", ""), ("31763  0.0  0.0", ""),
    ],
)  # fmt: skip
def test_dates_ids_and_measures_stay(phones, text, key):
    assert found(phones, text, key) == []


def test_numbers_without_a_word_are_found_when_not_strict(recognisers):
    loose = find_phones(recognisers.confirm, PHONE_REGIONS, strict=False)
    assert found(loose, "4155760607") == ["4155760607"]


def test_only_a_plus_makes_an_identifier_a_phone(phones):
    assert found(phones, "+442079460958", scope=Scope.IDENTIFIER) == ["+442079460958"]
    assert found(phones, "(415) 555-2671", scope=Scope.IDENTIFIER) == []


@pytest.mark.parametrize(
    "address",
    ["203.0.113.42", "10.67.192.2", "8.8.8.8", "2001:db8::ff00:42:8329", "2a02:e970:38b:d52:7fbd:86d:6162:f448"],
)
def test_ip_addresses_are_found(address):
    for text in (address, f"from {address}.", f"[{address}]", f"at {address} is"):
        assert found(find_addresses(hide_private=True), text) == [address]


@pytest.mark.parametrize(
    ("text", "key"),
    [("127.0.0.1", ""), ("0.0.0.0", ""), ("::1", ""), ("::", ""), ("version 1.2.3.4", ""), ("Kafka 1.4.30.3", ""), ("pkg==1.2.3.4", ""),
     ("1.2.3.4", "app_version"), ("999.1.1.1", ""), ("1.2.3.4.5", ""), ("12:34:56", ""), ("std::vector", ""), ("a::b", "")],
)  # fmt: skip
def test_loopback_versions_and_times_stay(text, key):
    assert found(find_addresses(hide_private=True), text, key) == []


def test_private_addresses_can_be_left():
    assert found(find_addresses(hide_private=False), "10.67.192.2 and 8.8.8.8") == ["8.8.8.8"]
