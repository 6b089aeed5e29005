"""Canonical JSON and its digests are the same on every machine, in every locale, under every hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from spans.canonical import _plain, canonical_json, content_digest, stable_json

ROOT = Path(__file__).parents[2]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e15, 1e15) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

SAMPLE = {"ß": [1, 2.5, True, None], "a": {"z": "ı İ", "b": "€ 1.249,00", "𝄞": "\u2028"}, "n": 2**60}  # noqa: RUF001  the dotless i is what a Turkish locale would trip over


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ({"a": 1.0}, '{"a":1}'),
        (1e21, "1e+21"),
        (0.000001, "0.000001"),
        (-0.0, "0"),
        (2**53 - 1, "9007199254740991"),
        (2**53, '"9007199254740992"'),
        (-(2**63), '"-9223372036854775808"'),
        ((1, "x"), '[1,"x"]'),
        ('\x00\x1f"\\/', '"\\u0000\\u001f\\"\\\\/"'),
        ({"€": 1, "\r": 2, "😀": 3, "\ufb33": 4}, '{"\\r":2,"€":1,"😀":3,"\ufb33":4}'),
        (float("nan"), '{"$double":"NaN"}'),
        ([float("-inf")], '[{"$double":"-Infinity"}]'),
        ({}, "{}"),
        ("", '""'),
    ],
)
def test_the_canonical_form_follows_rfc_8785(value, text):
    assert canonical_json(value).decode() == text


def test_a_lone_surrogate_becomes_a_replacement_character():
    assert canonical_json({"a\ud800": "x\udfff"}) == '{"a\ufffd":"x\ufffd"}'.encode()


@given(VALUES)
def test_the_order_of_keys_never_matters(value):
    def reverse(item):
        if isinstance(item, dict):
            return {k: reverse(v) for k, v in reversed(list(item.items()))}
        return [reverse(i) for i in item] if isinstance(item, list) else item

    assert canonical_json(reverse(value)) == canonical_json(value)
    assert content_digest(reverse(value)) == content_digest(value)


@given(
    VALUES | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), st.text(max_size=20), max_size=6)
)
def test_the_quick_way_for_plain_values_writes_what_the_slow_one_writes(value):
    assert canonical_json(value) == rfc8785.dumps(_plain(value))


@given(VALUES)
def test_the_canonical_form_is_json_and_its_own_canonical_form(value):
    once = canonical_json(value)
    assert canonical_json(json.loads(once)) == once


ODD = st.sampled_from(
    [
        "\x7f",
        "\x00\x1f",
        "\ud800",
        "é",
        "𝄞",
        2**64,
        -(2**63) - 1,
        1e16,
        9.999e15,
        1e-5,
        1e-4,
        -0.0,
        float("inf"),
        float("nan"),
    ]
)


@given(st.recursive(ODD | VALUES, lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=3) | st.sampled_from(["\x7f", "\udfff"]), inner, max_size=3)))  # fmt: skip
def test_stable_json_is_what_the_encoder_of_python_writes(value):
    """Digests of whole spans are made of it and stored: they must not depend on which encoder was quick enough."""
    assert stable_json(value) == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def test_stable_json_writes_what_json_lacks_as_its_text():
    assert stable_json({"day": date(2026, 11, 24), "n": {1: 2.5}}) == b'{"day":"2026-11-24","n":{"1":2.5}}'


def test_a_digest_tells_values_apart_and_has_the_length_asked_for():
    assert content_digest({"a": 1}) != content_digest({"a": "1"})
    assert len(content_digest("x")) == 32
    assert content_digest("x").startswith(content_digest("x", digits=12))


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "random", "LC_ALL": "de_DE.UTF-8"},
    ],
)
def test_a_digest_depends_on_neither_hash_seed_nor_locale(environment):
    program = (
        "import json, locale, sys\n"
        "try:\n locale.setlocale(locale.LC_ALL, '')\nexcept locale.Error:\n pass\n"
        "from spans.canonical import content_digest\n"
        "print(content_digest(json.loads(sys.argv[1])))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, json.dumps(SAMPLE)],
        env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == content_digest(SAMPLE)


def test_the_digest_of_a_known_value_never_changes():
    """Stored digests are compared over years: a change here is a change of every stored row."""
    assert content_digest(SAMPLE) == "5bdfea4ca0a74a8504d58c16d126e8c1"
