"""Names are known in any case and with or without their accents."""

from __future__ import annotations

from redaction.given_names import ALSO_WORDS, GIVEN_NAMES, WORDS_TOO, is_given_name, is_only_a_name, is_word_too


def test_names_are_known_whatever_their_accents_and_case():
    assert all(map(is_given_name, ["Zoltán", "ZOLTAN", "Søren", "Małgorzata", "Jean-Luc", "Mary-Ann"]))
    assert not any(map(is_given_name, ["Kafka", "Invoice", "", "x" * 5000]))


def test_a_name_that_is_a_word_proves_nothing_alone():
    assert is_only_a_name("Priyanka")
    assert not is_only_a_name("Grace")
    assert is_word_too("Grace")


def test_the_lists_are_folded():
    assert all(name == name.lower() and name.isascii() for name in GIVEN_NAMES | ALSO_WORDS | WORDS_TOO)
