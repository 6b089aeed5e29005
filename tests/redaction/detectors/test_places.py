"""Places by name, and by the words that announce them."""

from __future__ import annotations

import pytest

from redaction.detectors.places import find_places
from redaction.words import NEVER_NAMES
from tests.redaction.detectors.helpers import found

places = find_places(NEVER_NAMES)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Departure from Halifax at 07:45", "Halifax"),
        ("she is on leave in Greece.", "Greece"),
        ("I live in Ho Chi Minh City now", "Ho Chi Minh City"),
        ("he lives in Ouagadougou", "Ouagadougou"),
        ("Ich wohne in Wolfsburg", "Wolfsburg"),
    ],
)
def test_places_are_found(text, place):
    assert place in found(places, text)


@pytest.mark.parametrize(
    "text", ["Washington Post", "the berlin.py file", "Lima-based", "moved to Production", "Nice work"]
)
def test_other_words_stay(text):
    assert found(places, text) == []
