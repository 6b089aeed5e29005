"""People are found by a known given name, and products and sentences are not."""

from __future__ import annotations

import pytest

from redaction.detectors.given import find_given
from redaction.words import NEVER_NAMES
from tests.redaction.detectors.helpers import found

given = find_given(NEVER_NAMES)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("spoke with Oluwaseun Okonkwo today about it", "Oluwaseun Okonkwo"),
        ("Meeting: Zoltán dos Santos, Anneke van der Berg", "Zoltán dos Santos"),
        ("VALUES ('Mikko Obi', 3)", "Mikko Obi"),
        ("name on the card: THIAGO O'SULLIVAN", "THIAGO O'SULLIVAN"),
        ("the file of Lindqvist, Siobhan was closed", "Lindqvist, Siobhan"),
        ("please ask whether Priyanka could take over", "Priyanka"),
        ("met Marie-Claire Dubois-Lefèvre there", "Marie-Claire Dubois-Lefèvre"),
    ],
)
def test_names_are_found(text, name):
    assert name in found(given, text)


@pytest.mark.parametrize(
    "text",
    ["Grace Period of 3 days", "Max Tokens: 4096", "Will Call at the gate", "Victoria Station", "Claude Sonnet answered the question well",
     "ANNA", "path/to/Maria.py", "Mark Complete", "in June Sales fell by ten percent"],
)  # fmt: skip
def test_other_capitalised_words_stay(text):
    assert found(given, text) == []


def test_nobody_is_looked_for_under_a_key_of_states():
    assert found(given, "Priyanka Iyer", "status") == []
