"""What rules can know of people: addresses, birth dates, introductions, telling keys."""

from __future__ import annotations

import pytest

from redaction.detectors.people import find_birth_dates, find_named, find_streets
from redaction.detectors.piece import Scope
from redaction.words import NEVER_NAMES
from tests.redaction.detectors.helpers import found

named = find_named(NEVER_NAMES)


@pytest.mark.parametrize(
    "address",
    ["742 Evergreen Terrace, Springfield, IL 62704", "7602 Hooper Ave, Portland, WA 98101", "54 rue des Lilas, 53273 Nantes",
     "ul. Marszałkowska 12/4, 00-590 Warszawa", "Rua Augusta, 123 - Apto 41, São Paulo - SP, 01310-100",
     "Calle de Alcalá 41, 3ºA, 28014 Madrid", "Flat 4B, Shanti Apartments, 12, MG Road, Bengaluru 560001", "Vesterbrogade 7, 1620 København",
     "12-3 Shibuya, Shibuya-ku, Tokyo 150-0002", "Keizersgracht 12-2, 1016 DX Amsterdam", "Postfach 12, 8001 Zürich",
     "Unter den Linden 77, 10117 Berlin", "Hauptstraße 5, 10115 Berlin", "129 Church Road, Leeds LS1 4AP", "Flat 3, 12 High Street"],
)  # fmt: skip
def test_street_addresses_are_found_whole(address):
    assert address in found(find_streets, f"ship it to {address}, thanks")


@pytest.mark.parametrize("key", ["signed_by", "approved_by", "witness", "doctor"])
def test_who_did_something_is_told_by_the_key(key):
    assert found(named, "Annelise Vogt", key) == ["Annelise Vogt"]
    assert found(named, "cron-job-7", key) == found(named, "system", key) == []


@pytest.mark.parametrize(
    "text", ["Step 3 of the Way", "3 items in Place", "Drive 12", "the Street", "page 12, 10000 rows"]
)
def test_other_numbers_and_streets_stay(text):
    assert found(find_streets, text) == []


def test_an_address_key_is_believed():
    assert found(find_streets, "Evergreen Terrace", "billing_address") == ["Evergreen Terrace"]
    assert found(find_streets, "maria@example.com", "email_address") == []
    assert found(find_streets, "Host-7", "ip_address") == []


@pytest.mark.parametrize(
    ("text", "date"),
    [("born 21/01/1950", "21/01/1950"), ("DOB is 01.09.1993", "01.09.1993"), ("date of birth: October 22, 1994", "October 22, 1994"),
     ("born 21 de diciembre de 1965", "21 de diciembre de 1965"), ("né le 4 décembre 1997", "4 décembre 1997"), ("geboren am 25. Mai 1969", "25. Mai 1969"),
     ("DOB 17-Dec-1941", "17-Dec-1941"), ("date of birth 19481012,", "19481012"), ("born in June 1978", "June 1978"),
     ("born 1999-05-13T00:00:00Z", "1999-05-13T00:00:00Z"), ("was born on 2001-05-26", "2001-05-26"), ("(born 9 May 1968)", "9 May 1968")],
)  # fmt: skip
def test_birth_dates_are_found_beside_their_word(text, date):
    assert found(find_birth_dates, text) == [date]


def test_a_birth_key_is_believed():
    assert found(find_birth_dates, "1984-02-29", "date_of_birth") == ["1984-02-29"]


@pytest.mark.parametrize(
    "text", ["booked for 2025-08-10", "due October 22, 2025", "born to run since 2001", "1984-02-29"]
)
def test_other_dates_stay(text):
    assert found(find_birth_dates, text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [("Hi, my name is Anirudh Srinivasan and", "Anirudh Srinivasan"), ("hey its yuki tanaka, my", "yuki tanaka"),
     ("seen by Dr. A. Rodrigues.", "A. Rodrigues"), ("Kevin Sales — kevin92@example.org", "Kevin"), ("thanks, Wyatt, Connor", "Wyatt, Connor"),
     ("Patient Vitor Fogaça, date of birth", "Vitor Fogaça"), ("Valentina Macedo <v@example.org>", "Valentina Macedo")],
)  # fmt: skip
def test_introduced_people_are_found(text, name):
    assert name in found(named, text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm Happy to help",
        "this is GitHub",
        "Thanks Team",
        "Dear Customer Support",
        "I am Claude",
        "it's not working, sorry",
        "its raw keys, then",
        "if it's shared publicly,",
        "I'm completely lost,",
    ],
)
def test_ordinary_words_are_nobody(text):
    assert found(named, text) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [("Astrid", "first"), ("Maria Gonzalez", "customer_name"), ("Wagner, Eva", "passenger"), ("Ana Lima", "name")],
)
def test_a_name_key_is_believed(text, key):
    assert found(named, text, key) == [text]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("lookup_customer", "name"),
        ("Refund Agent", "name"),
        ("Premium Plan", "name"),
        ("Northwind", "name"),
        ("Postgres", "owner"),
        ("gpt-4o", "name"),
    ],
)
def test_things_have_names_too(text, key):
    assert found(named, text, key) == []


def test_identifiers_are_nobody():
    assert found(named, "Maria Gonzalez", "customer_name", Scope.IDENTIFIER) == []


def test_places_are_found_by_their_key():
    assert found(named, "Lyon", "city") == ["Lyon"]
    assert found(named, "Pune", "destination") == ["Pune"]
