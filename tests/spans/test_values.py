"""A value is always JSON, whatever the wire held."""

from __future__ import annotations

import base64
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spans.values import BYTES_TAG, DOUBLE_TAG, tag_bytes, tag_double


@given(st.binary(max_size=200))
def test_bytes_survive_as_marked_base64(raw):
    tagged = json.loads(json.dumps(tag_bytes(raw)))
    assert base64.b64decode(tagged[BYTES_TAG]) == raw


@pytest.mark.parametrize(("number", "name"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_lacks_are_marked(number, name):
    assert tag_double(number) == {DOUBLE_TAG: name}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_finite_doubles_stay_the_same_number(number):
    assert tag_double(number) == number
    assert json.loads(json.dumps(tag_double(number))) == number
