from __future__ import annotations

from collections import OrderedDict
from types import MappingProxyType

import pytest

from spans.usage import Usage
from store.text import clean_text, from_json, record_json, to_json


@pytest.mark.parametrize(
    ("text", "clean"),
    [("plain", "plain"), ("é\0", "é\0"), ("\ud800", "\ufffd"), ("\ud83d\ude00", "😀"), ("a\udfffb", "a\ufffdb")],
)
def test_text_is_always_utf8(text, clean):
    assert clean_text(text) == clean


def test_any_mapping_and_sequence_is_json():
    value = MappingProxyType({"a": (1, OrderedDict(b=[None])), "c": True})
    assert from_json(to_json(value)) == {"a": [1, {"b": [None]}], "c": True}


def test_something_that_is_no_value_is_an_error():
    with pytest.raises(TypeError, match="set is not"):
        to_json({1})  # type: ignore[arg-type]


def test_records_keep_numbers_and_text_that_json_libraries_refuse():
    made = record_json({"usage": Usage(input=2**70), "name": "\ud800", "score": float("nan")})
    assert from_json(made)["usage"]["input"] == 2**70
    assert from_json(made)["name"] == "\ufffd"
