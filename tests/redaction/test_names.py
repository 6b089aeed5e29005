"""What the model marks is cleaned up before anybody believes it."""

from __future__ import annotations

import pytest

from redaction.detectors.piece import Scope
from redaction.names import named, wants_model
from redaction.words import NEVER_NAMES
from tests.redaction.detectors.helpers import a_piece


def cleaned(text, label="PERSON", start=0, end=None):
    piece = a_piece(text)
    found = named(piece, start, len(text) if end is None else end, label, NEVER_NAMES)
    return [text[finding.start : finding.end] for finding in found]


@pytest.mark.parametrize(
    ("marked", "left"),
    [
        ("Maria Gonzalez", ["Maria Gonzalez"]),
        ("Hi Maria Gonzalez,", ["Maria Gonzalez"]),
        ("Maria's", ["Maria"]),
        ("Maria\nTobias", ["Maria", "Tobias"]),
        ('Maria", "role', ["Maria"]),
        ("Dr. Maria Gonzalez", ["Maria Gonzalez"]),
        ("Kafka", []),
        ("Claude Sonnet", []),
        ("run_agent", []),
        ("maria", []),
        ("X", []),
        ("Refund Policy", []),
        ("Agent47", []),
    ],
)
def test_people_lose_what_machines_put_around_them(marked, left):
    assert cleaned(marked) == left


@pytest.mark.parametrize(
    ("marked", "left"), [("Lisbon", ["Lisbon"]), ("ORD-7971843", []), ("New Zealand", ["New Zealand"]), ("tokyo", [])]
)
def test_places_too(marked, left):
    assert cleaned(marked, "GPE") == left


def test_organisations_stay():
    assert cleaned("Acme Corp", "ORG") == []


@pytest.mark.parametrize(
    ("text", "key", "scope", "asked"),
    [
        ("Please call Maria", "content", Scope.FULL, True),
        ("Maria", "content", Scope.FULL, True),
        ("please call", "content", Scope.FULL, False),
        ("Maria", "model", Scope.FULL, False),
        ("Maria Gonzalez", "session_id", Scope.FULL, False),
        ("chat gpt-4o", "name", Scope.PROSE, False),
        ("Refund Agent", "name", Scope.PROSE, False),
        ("Please call Maria today", "label", Scope.PROSE, True),
        ("Please call Maria", "content", Scope.RULES, False),
        ("Please call Maria", "content", Scope.IDENTIFIER, False),
        ("run_Agent", "content", Scope.FULL, False),
    ],
)
def test_the_model_is_asked_only_where_names_can_be(text, key, scope, asked):
    assert wants_model(a_piece(text, key, scope)) is asked
