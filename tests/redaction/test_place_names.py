"""The names of places are clean and hold nothing that is an ordinary word."""

from __future__ import annotations

from redaction.place_names import PLACES


def test_names_of_places_are_clean():
    assert all(name and name == name.strip() and name[0].isupper() for name in PLACES)
    assert not PLACES & {"Nice", "Chad", "Turkey", "Jordan", "Split"}
