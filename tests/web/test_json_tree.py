from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from spans.values import tag_bytes, tag_double
from web.json_tree import MAX_NODES, Node, json_tree

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=40,
)


def size(node: Node) -> int:
    return 1 + sum(size(c) for c in node.children)


def test_a_mapping_keeps_its_order_and_keys_are_data():
    tree = json_tree({"__proto__": 1, "b": [True, None]})
    assert [c.key for c in tree.children] == ["__proto__", "b"]
    assert [(c.kind, c.text) for c in tree.children[1].children] == [("bool", "true"), ("null", "null")]


def test_json_in_a_string_is_opened_and_marked():
    tree = json_tree({"args": '{"amount": 1249.0}'})
    assert tree.children[0].parsed
    assert tree.children[0].children[0].text == "1249.0"


def test_text_that_only_looks_like_json_stays_text():
    assert json_tree("[kb-101] Annual plans").kind == "text"
    assert json_tree("{not json}").kind == "text"


def test_bytes_and_odd_numbers_say_what_they_are():
    tree = json_tree({"image": tag_bytes(b"x" * 300), "score": tag_double(float("nan"))})
    assert (tree.children[0].kind, tree.children[0].size) == ("bytes", 300)
    assert tree.children[1].text == "NaN"


def test_a_wide_value_is_cut_and_says_so():
    tree = json_tree(list(range(100_000)))
    assert size(tree) <= MAX_NODES + 2
    assert tree.children[-1].kind == "more"
    assert "more in the JSON download" in tree.children[-1].text


def test_a_deep_value_does_not_recurse_for_ever():
    value: object = 1
    for _ in range(300):
        value = [value]
    assert size(json_tree(value)) < 40
    assert json_tree("[" * 100_000 + "]" * 100_000).kind == "text"


@given(values)
def test_any_value_becomes_a_tree(value):
    assert size(json_tree(value)) <= MAX_NODES * 2
    assert size(json_tree(json.dumps(value))) >= 1
