"""The language of a text chooses its model."""

from __future__ import annotations

import pytest

from redaction.languages import Languages
from redaction.presidio import stop_words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour, je voudrais une facture pour ma commande, merci", "fr"),
        ("Ich möchte meine Rechnung noch einmal sehen, und zwar heute", "de"),
        ("I would like to see my invoice again, please", "en"),
        ("", "en"),
        ("ORD-1234 4711", "en"),
    ],
)
def test_it_is_told_by_the_commonest_words(text, language):
    known = Languages({name: stop_words(name) for name in ("en", "de", "fr")})
    assert known.of(text) == language
