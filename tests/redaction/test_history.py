"""A list that continues a known one is recognised, without keeping its text."""

from __future__ import annotations

import json

import redaction.history as history
from redaction.history import MAX_STEPS, History

LONG = ["x" * 600]


def known(*texts):
    past = History(enabled=True)
    for number, text in enumerate(texts):
        past.note(b"s", text, bytes([number]))
    return past


def test_a_longer_list_finds_its_beginnings_longest_first():
    one, two, three = (json.dumps([*LONG, *["m"] * count]) for count in (0, 1, 2))
    assert known(one, two).beginnings(b"s", three) == [(len(two) - 1, b"\x01"), (len(one) - 1, b"\x00")]


def test_another_series_or_text_finds_nothing():
    one, two = json.dumps(LONG), json.dumps([*LONG, "m"])
    past = known(one)
    assert past.beginnings(b"other", two) == []
    assert past.beginnings(b"s", two.replace("x", "y")) == []
    assert past.beginnings(b"s", one) == []
    assert past.beginnings(b"s", json.dumps([LONG[0] + "more", "m"])) == []


def test_short_texts_and_other_shapes_are_not_kept():
    assert known('["a"]').beginnings(b"s", '["a", "b"]') == []
    assert known("x" * 600).beginnings(b"s", "x" * 600 + ",") == []


def test_it_is_bounded(monkeypatch):
    monkeypatch.setattr(history, "MAX_SERIES", 3)
    past = History(enabled=True)
    for number in range(10):
        past.note(bytes([number]), json.dumps(LONG), b"k")
    longer = json.dumps([*LONG, "m"])
    assert [number for number in range(10) if past.beginnings(bytes([number]), longer)] == [7, 8, 9]


def test_one_series_keeps_its_last_steps():
    texts = [json.dumps([*LONG, *["m"] * count]) for count in range(10)]
    assert len(known(*texts).beginnings(b"s", json.dumps([*LONG, *["m"] * 11]))) == MAX_STEPS


def test_it_can_be_off():
    past = History(enabled=False)
    past.note(b"s", json.dumps(LONG), b"k")
    assert past.beginnings(b"s", json.dumps([*LONG, "m"])) == []
