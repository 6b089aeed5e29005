"""Texts are cut into what people wrote, and every piece knows where it stands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.leaves import LeafKind, context_word, cut, cut_list, is_plain_key, pointer_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**15) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def texts(text, key=""):
    return [(leaf.text, leaf.key) for leaf in cut(text, key) if leaf.kind is LeafKind.TEXT]


def spliced(text, replacement="<X>"):
    """Every leaf replaced by a fixed text."""
    out, place = [], 0
    for leaf in sorted(cut(text), key=lambda leaf: leaf.span(0, 1)):
        start, end = leaf.span(0, len(leaf.text))
        out.extend((text[place:start], leaf.written(replacement)))
        place = end
    return "".join((*out, text[place:]))


def test_prose_is_one_piece():
    assert texts("Dear Maria, thanks.", "content") == [("Dear Maria, thanks.", "content")]


def test_json_strings_are_decoded_and_know_their_key():
    assert texts('{"name": "Bj\\u00f6rn", "tags": ["a", "b"], "n": {"x": "y"}}') == [
        ("Björn", "name"), ("a", "tags"), ("b", "tags"), ("y", "x"),
    ]  # fmt: skip


def test_json_inside_json_is_read_four_levels_deep():
    value = "Maria"
    for _ in range(4):
        value = json.dumps({"v": value})
    assert texts(value) == [("Maria", "v")]


def test_bare_numbers_long_enough_for_a_person_are_pieces():
    leaves = cut('{"phone": 4155760607, "count": 12, "price": 4155760607.5}')
    assert [(leaf.text, leaf.key, leaf.kind) for leaf in leaves] == [("4155760607", "phone", LeafKind.NUMBER)]


def test_a_replaced_number_becomes_a_string():
    assert json.loads(spliced('{"phone": 4155760607}')) == {"phone": "<X>"}


def test_a_replaced_number_in_a_string_keeps_both_levels_valid():
    inner = json.loads(json.loads(spliced(json.dumps({"arguments": '{"phone": 4155760607}'})))["arguments"])
    assert inner == {"phone": "<X>"}


@given(st.lists(json_values, max_size=3) | st.dictionaries(st.text(max_size=8), json_values, max_size=3))
def test_valid_json_stays_valid_when_everything_in_it_is_replaced(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        json.loads(spliced(text))
        nested = json.loads(spliced(json.dumps({"arguments": text})))
        json.loads(nested["arguments"])


@given(json_values)
def test_every_string_of_a_json_text_is_a_piece(value):
    wanted = []

    def walk(item):
        if isinstance(item, str):
            wanted.append(item)
        elif isinstance(item, dict):
            for inner in item.values():
                walk(inner)
        elif isinstance(item, list):
            for inner in item:
                walk(inner)

    walk(value)
    if isinstance(value, (dict, list)):
        whole = "\0".join(leaf.text for leaf in cut(json.dumps(value)))
        for text in wanted:
            if not text.lstrip().startswith(("{", "[", '"')) and "%" not in text and "\n" not in text:
                assert text in whole


@given(st.text())
def test_every_leaf_stands_where_it_says(text):
    for leaf in cut(text):
        start, end = leaf.span(0, len(leaf.text))
        assert 0 <= start <= end <= len(text)
        if "\\" not in text and "%" not in text:
            assert text[start:end] == leaf.text


@pytest.mark.parametrize(
    "text",
    ['{"a": "Maria Gon', '[{"role": "user", "content": "Hi, I am Maria', '{"a": ["x", "Maria Gon...[TRUNCATED]'],
)
def test_json_that_was_cut_off_is_still_read(text):
    assert texts(text)[-1][0].lstrip("Hi, Iam").startswith("Maria")


@pytest.mark.parametrize(
    "text",
    [
        "[4111 1111 1111 1111]", "[INFO] user Bob said hi", "{not json}", '[1] Hello "you" there', "[219-09-9999]",
        '{"a": "he said "hello" to Maria", "b": 1}', "{'a': Foo(1)}", "[1984-02-29]", "{4111 1111}",
    ],
)  # fmt: skip
def test_what_is_not_json_is_one_piece(text):
    """Above all: numbers without separators must not pass for a list of small ones."""
    assert texts(text) == [(text, "")]


def test_python_literals_are_read_too():
    text = "[{'role': 'user', 'content': \"I'm Maria\", 'n': None, 'x': ('a', b'c')}]"
    assert texts(text) == [("user", "role"), ("I'm Maria", "content"), ("a", "x"), ("c", "x")]


def test_a_json_string_is_read_as_its_text():
    assert texts('"Hi \\"Maria\\""') == [('Hi "Maria"', "")]


def test_a_list_is_counted_and_its_end_can_be_read_alone():
    whole, items = cut_list('[{"a": "x"}, {"a": "y"}, {"a": "z"}]')
    tail, more = cut_list('[ {"a": "z"}]', first_item=2)
    assert (items, more) == (3, 1)
    assert pointer_text(whole[-1].pointer) == pointer_text(tail[-1].pointer) == "/2/a"


@pytest.mark.parametrize("text", ["", "[", '{"a": 1}', '["a", "b', '["a"] and more', "['a']", '["a", ["b"]'])
def test_other_text_is_no_complete_list(text):
    assert cut_list(text) is None


def test_pieces_know_their_pointer():
    leaves = cut('{"messages": [{"content": "a"}, {"content": "b"}], "x/y": "c"}')
    assert [pointer_text(leaf.pointer) for leaf in leaves if leaf.kind is LeafKind.TEXT] == [
        "/messages/0/content", "/messages/1/content", "/x~1y",
    ]  # fmt: skip


def test_pointers_go_on_inside_nested_json():
    leaf = cut(json.dumps({"arguments": '{"iban": ["x"]}'}))[0]
    assert pointer_text(leaf.pointer) == "/arguments/iban/0"


def test_url_values_are_decoded_under_their_name():
    text = "GET /search?email=maria%40example.com&page=2"
    assert ("maria@example.com", "email") in texts(text)


def test_replacements_in_urls_are_encoded():
    text = "/s?email=maria%40example.com"
    leaf = cut(text)[1]
    assert leaf.written("<X>") == "%3CX%3E"
    assert text[slice(*leaf.span(0, 5))] == "maria"
    assert text[slice(*leaf.span(5, 6))] == "%40"


def test_a_plus_that_was_encoded_stays_a_plus():
    assert ("a+b c@x", "q") in texts("?q=a%2Bb+c%40x")


def test_keys_that_may_hold_a_value_are_pieces():
    keys = [leaf.text for leaf in cut('{"maria@example.com": 1, "content": 2}') if leaf.kind is LeafKind.KEY]
    assert keys == ["maria@example.com"]


def test_hostile_nesting_costs_nothing():
    assert cut("[" * 100_000) == []
    assert len(cut('{"a":' * 10_000)) == 0
    assert len(cut('"' * 10_000)) <= 5_000


@pytest.mark.parametrize(
    ("key", "word"),
    [("user.0.billingEmail", "billing_email"), ("Phone-Number", "phone_number"), ("a/b", "b"), ("", ""), ("0", "")],
)
def test_keys_are_compared_as_words(key, word):
    assert context_word(key) == word


@pytest.mark.parametrize(
    "key", ["gen_ai.input.messages", "llm.input_messages.0.message.content", "user-id", "", "a[0].b"]
)
def test_ordinary_keys_are_plain(key):
    assert is_plain_key(key)


@pytest.mark.parametrize(
    "key",
    ["user.maria@example.com", "4111111111111111", "AKIA" + "IOSFODNN7EXAMPLE", "Maria Gonzalez", "+442079460958", "é"],
)
def test_keys_that_could_hold_a_value_are_not_plain(key):
    assert not is_plain_key(key)
