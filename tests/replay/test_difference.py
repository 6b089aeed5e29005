from __future__ import annotations

import pytest

from replay.difference import MOST, differences, plain


def told(left, right):
    return [(d.path, d.left, d.right, d.missing) for d in differences(left, right)]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a", 1, True, "")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("a.b[1]", 2, 3, "")]),
        ({"a": 1}, {}, [("a", 1, None, "right")]),
        ({}, {"a": None}, [("a", None, None, "left")]),
        ([1], [1, 2], [("[1]", None, 2, "left")]),
        ('{"sum": 499.0}', {"sum": 1249}, [("sum", 499.0, 1249, "")]),
        ("{broken", "{broken!", [("", "{broken", "{broken!", "")]),
    ],
)
def test_places_that_differ(left, right, expected):
    assert told(left, right) == expected


def test_the_stretch_of_two_texts_that_differs():
    (only,) = differences("the cat sat", "the dog sat")
    assert (only.start, only.left_end, only.right_end) == (4, 7, 7)
    (grown,) = differences("aa", "aaa")
    assert (grown.start, grown.left_end, grown.right_end) == (2, 2, 3)


def test_long_texts_are_shown_around_the_change():
    (only,) = differences("x" * 500 + "a" + "y" * 500, "x" * 500 + "b" + "y" * 500)
    before, middle, after = only.excerpt("left")
    assert (before, middle, after) == ("…" + "x" * 60, "a", "y" * 60 + "…")


def test_no_more_than_a_page_of_differences_is_told():
    assert len(differences(list(range(1_000)), list(range(1, 1_001)))) == MOST


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (499.0, "499.00"),
        (0.12345, "0.12345"),
        (None, "null"),
        (True, "true"),
        ({"a": 1.5}, "{a: 1.50}"),
        ([1, "b"], "[1, b]"),
    ],
)
def test_values_read_as_people_write_them(value, words):
    assert plain(value) == words
