from __future__ import annotations

import json

import pytest

from runs.arguments import notes_of, shape_of_arguments
from runs.calls import hash_of


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"order_id": "o1", "amount": 3}, "amount number, order_id text"),
        ({"a": True, "b": None, "c": [1], "d": {"x": 1}}, "a yes/no, b nothing, c list, d object"),
        ({}, ""),
        (None, ""),
        ("SELECT 1", "text"),
        ({f"k{n:02d}": n for n in range(14)}, ", ".join(f"k{n:02d} number" for n in range(12)) + ", 2 more"),
    ],
)
def test_a_shape_names_the_arguments_and_their_kinds(arguments, shape):
    assert shape_of_arguments(arguments) == shape


def test_notes_stand_under_the_hash_that_calls_are_joined_by():
    one, other = {"order": 1, "idempotency_key": "k1"}, {"order": 1, "idempotency_key": "k2"}
    notes = notes_of([json.dumps(one), other, {"order": 1}])
    first, second, bare = notes[hash_of(one)], notes[hash_of(other)], notes[hash_of({"order": 1})]
    assert first.repeat_hash == second.repeat_hash == hash_of({"order": 1})
    assert first.idempotency != second.idempotency
    assert (bare.repeat_hash, bare.idempotency) == ("", "")
