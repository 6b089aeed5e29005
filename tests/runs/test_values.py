from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.values import (
    MAX_COUNT,
    MAX_JSON_DEPTH,
    count_of,
    dig,
    flag_of,
    flat_index,
    flat_list,
    is_broken_json,
    is_json,
    is_truncated,
    is_usable,
    number_of,
    score_of,
    structured,
    text_of,
    texts_of,
    unquoted,
)


@pytest.mark.parametrize(
    ("raw", "count"),
    [(25, 25), ("25", 25), (" 7 ", 7), (3.9, 3), ("1.7e3", 1700), (-1, None), (True, None), ("x", None), (None, None),
     ({"$double": "NaN"}, None), (MAX_COUNT + 1, None), ("9" * 400, None)],
)  # fmt: skip
def test_counts_are_whole_and_plausible(raw, count):
    assert count_of(raw) == count


def test_numbers_and_scores_differ_in_sign():
    assert number_of("-1.5") is None
    assert score_of("-1.5") == -1.5


@pytest.mark.parametrize(("raw", "flag"), [("True", True), ("1", True), (False, False), ("no", False), ("maybe", None)])
def test_flags_may_be_text(raw, flag):
    assert flag_of(raw) is flag


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ('"{\\"a\\":1}"', {"a": 1}),
        ('"plain"', "plain"),
        ("123", "123"),
        ("{'a': 1}", "{'a': 1}"),
        ('{"a":', '{"a":'),
        ("[1, NaN]", [1, {"$double": "NaN"}]),
        ([1], [1]),
    ],
)
def test_structured_fields_are_parsed_and_nothing_is_dropped(raw, value):
    assert structured(raw) == value


def test_cut_json_is_recognised():
    assert is_broken_json('{"a": "b')
    assert not is_broken_json("plain { text")


@pytest.mark.parametrize(
    "marker", ["__REDACTED__", "<REDACTED>", "[REDACTED]", "[Filtered]", "[Scrubbed due to 'session']", "", None]
)
def test_markers_of_withheld_content_are_not_content(marker):
    assert not is_usable(marker)
    assert text_of(marker) == ""


def test_a_cut_suffix_is_recognised():
    assert is_truncated("abc...[TRUNCATED: original length 12000]")


def test_json_encoded_texts_lose_their_quotes():
    assert unquoted('"CHAT_MODEL"') == "CHAT_MODEL"
    assert unquoted("CHAT_MODEL") == "CHAT_MODEL"


def test_lists_of_texts_come_in_many_shapes():
    assert texts_of('["stop"]') == texts_of(["stop"]) == texts_of("stop") == ("stop",)
    assert texts_of("a, b") == ("a", "b")


def test_flattened_lists_close_gaps_and_keep_indexes():
    attributes = {
        "p.40.role": "user",
        "p.2.role": "system",
        "p.x.role": "?",
        "p.3": "bare",
        "q.1.role": "no",
        "p.2.a.0.b": 1,
    }
    assert flat_list(attributes, "p") == [
        (2, {"role": "system", "a.0.b": 1}),
        (3, {"": "bare"}),
        (40, {"role": "user"}),
    ]
    assert sorted(flat_index(attributes)["p"].items()) == flat_list(attributes, "p")


def test_hostile_keys_are_plain_text():
    assert flat_list({"p.0.__proto__": 1, "p.99999999999999.x": 1, "p.-1.x": 1}, "p") == [(0, {"__proto__": 1})]


@given(st.dictionaries(st.text(max_size=30), st.integers()))
def test_any_keys_can_be_indexed(attributes):
    for prefix in flat_index(attributes):
        assert flat_list(attributes, prefix)


@given(st.text(max_size=200))
def test_any_text_can_be_structured(text):
    structured(text)
    is_broken_json(text)


def test_paths_end_in_none():
    assert dig({"a": [{"b": 1}]}, "a", 0, "b") == 1
    assert dig({"a": [{"b": 1}]}, "a", 5, "b") is None
    assert dig(json.dumps({"a": json.dumps({"b": 2})}), "a", "b") == 2


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_json_that_is_nested_too_deep_stays_text(begin, end):
    most = MAX_JSON_DEPTH // (begin.count("[") + begin.count("{"))
    fits, deep = (f"{begin * n}1{end * n}" for n in (most, most + 1))
    assert structured(fits) == json.loads(fits)
    assert structured(deep) == deep
    assert is_json(fits)
    assert not is_json(deep)


def test_many_brackets_are_not_deep():
    wide = json.dumps([{"a": [1]}] * 200)
    assert structured(wide) == json.loads(wide)
    assert structured(json.dumps("[" * 200)) == "[" * 200


PIECES = st.sampled_from(
    [
        *(
            "NaN",
            "-Infinity",
            "1e400",
            "-1e-400",
            "-0",
            "-0.0",
            "1E5",
            "1e23",
            "01",
            "1.",
            ".5",
            "tru",
            "",
            " ",
            "]",
            "}",
        ),
        *(str(2**63), str(2**64), "9" * 40, "9" * 5_000, "0." + "1" * 400, "9007199254740993.0", "5e-324"),
        *(
            '"\\ud800"',
            '"\ud800"',
            '"\\ud83d\\ude00"',
            '"\\u0000"',
            '"a\x01"',
            '"\x7f"',
            '"\\x"',
            "\x0c",
            "\xa0",
            "\ufeff",
        ),
        *('{"a":1,"b":2,"a":3}', '{"\\u0061":1,"a":2}', "{1:2}", '{"a":1,}', "'a'"),
    ]
)


@given(st.lists(PIECES | st.recursive(st.floats() | st.integers() | st.text(max_size=5), st.lists).map(json.dumps)))
def test_json_is_read_as_the_decoder_of_python_reads_it(pieces):
    """Facts and digests must not depend on which decoder was quick enough."""
    text = "[" + ",".join(pieces) + "]"
    try:
        wanted = json.loads(text, parse_constant=lambda name: {"$double": name})
    except ValueError:
        wanted = text
    assert repr(structured(text)) == repr(wanted)
