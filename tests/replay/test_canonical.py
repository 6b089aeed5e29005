from __future__ import annotations

import copy
import json
import os
import random
import string

import pytest

from replay.canonical import Names, key_of, parsed
from replay.volatile import Volatile

NEAR = 1_764_000_000 * 10**9
ASKED = {
    "model": "gpt-4o-mini",
    "system": [{"type": "text", "content": "You are careful. Today is 2026-11-25."}],
    "messages": [
        {"role": "user", "name": None, "parts": [{"type": "text", "content": "Refund order A-1249 of 499.00, ticket 3f2b8c1e-7a4d-4f6b-9c1d-0e2f4a6b8c1d"}]},
        {
            "role": "assistant",
            "name": None,
            "parts": [
                {"type": "text", "content": "Let me see."},
                {"type": "tool_call", "id": "call_9", "name": "lookup", "arguments": {"order": "A-1249", "deep": {"n": [1, 2.5, True, None]}}},
            ],
        },
        {"role": "tool", "name": None, "parts": [{"type": "tool_result", "id": "call_9", "content": '{"state": "paid", "sum": 499.0}'}]},
    ],
    "tools": [
        {"name": "lookup", "description": "Finds an order", "parameters": {"type": "object", "required": ["order"]}},
        {"name": "refund", "description": "Pays back", "parameters": {"type": "object"}},
    ],
    "params": {"temperature": 0.2, "max_tokens": 500},
}  # fmt: skip


def key(asked=ASKED, kind="model", name=""):
    return key_of(kind, name, asked, near_ns=NEAR)


def changed(path, value):
    copied = copy.deepcopy(ASKED)
    at = copied
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return copied


def test_transport_provider_ids_and_the_order_of_tools_and_keys_change_nothing():
    other = copy.deepcopy(ASKED)
    other["params"] = {"stream": True, "user": "u-1", "metadata": {"a": 1}, "max_tokens": 500.0, "temperature": 0.2}
    other["tools"].reverse()
    other["messages"][1]["parts"][1]["id"] = "toolu_01ABC"
    other["messages"][2]["parts"][0]["id"] = "toolu_01ABC"
    other = dict(reversed(list(other.items())))
    assert key(other) == key()


def test_json_in_strings_is_compared_by_what_it_says():
    assert key(changed(["messages", 2, "parts", 0, "content"], {"sum": 499, "state": "paid"})) == key()
    assert key(changed(["messages", 2, "parts", 0, "content"], '{"state":"paid","sum":499.01}')) != key()


def test_volatile_values_change_k0_only():
    other = changed(["system", 0, "content"], "You are careful. Today is 2026-11-26.")
    assert key(other).exact != key().exact
    assert key(other).shape == key().shape
    assert [h.kind for h in key().holes] == [Volatile.UUID, Volatile.TIME]


def test_a_part_nobody_knows_matches_only_itself():
    odd = changed(["messages", 0, "parts", 0], {"type": "other", "name": "x", "raw": {"at": "2026-11-25", "n": 1}})
    later = changed(["messages", 0, "parts", 0], {"type": "other", "name": "x", "raw": {"at": "2026-11-26", "n": 1}})
    assert key(odd).is_uncanonical
    assert key(odd) == key(copy.deepcopy(odd))
    assert key(odd).shape != key(later).shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "a": 2}', '{"a": 2}'),
        ("[NaN]", "[null]"),
        ("[1e999]", "[2e999]"),
        ('{"a": 9007199254740993}', '{"a": "9007199254740993"}'),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}'),
        ("5", 5),
        ("true", True),
        ("", None),
        ('"a"', "a"),
        ("[1,]", [1]),
        ({"$int": "0x20000000000001"}, 9007199254740993),
        ({"$text": "a"}, "a"),
        ("\ud800", "\ud801"),
        ({"$utf16": "d800"}, "\ud800"),
        (float("nan"), None),
        ([1], "[1"),
        ("\u00e9", "e\u0301"),
        ("a ", "a"),
    ],
)  # fmt: skip
def test_things_that_differ_never_get_one_key(one, other):
    def of(value):
        return key_of("tool", "t", {"call_id": None, "arguments": value}, near_ns=NEAR)

    assert of(one).exact != of(other).exact
    assert of(one).shape != of(other).shape


def test_a_text_is_opened_only_when_it_is_strict_json():
    assert parsed(' {"a": [1]}') == ({"a": [1]}, True)
    assert parsed("[" * 100_000) == ("[" * 100_000, False)
    assert parsed('{"a": 1') == ('{"a": 1', False)


def test_what_is_nested_beyond_reason_matches_only_itself():
    deep: object = "x"
    for _ in range(300):
        deep = [deep]
    assert key(changed(["params", "x"], deep)).is_uncanonical


def test_ids_of_an_answer_go_on_counting_where_the_question_ended():
    names = Names()
    key_of("model", "", ASKED, near_ns=NEAR, names=names)
    assert names.of("call", "call_9") == "call#1"
    assert names.of("call", "another") == "call#2"


def leaves(value, path=()):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


MUTATIONS = int(os.environ.get("LONG_MUTATIONS", "1500"))
FIXED = [*leaves(ASKED)]
IDS = {path for path, _ in FIXED if path[-1] == "id"}


def mutated(chance, value):
    """Another value in this place: one character, one digit, another type, or nothing."""
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        char = chance.choice(string.ascii_letters + string.digits + ' -_.é漢\n"{}[]⟦⟧#')
        how = chance.randrange(3)
        if how == 0:
            return value[:at] + char + value[at:]
        if how == 1 and value:
            at = chance.randrange(len(value))
            return value[:at] + value[at + 1 :]
        at = chance.randrange(len(value)) if value else 0
        return value[:at] + char + value[at + 1 :]
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + chance.choice([1, -1, 0.5, 1000])
    return chance.choice([0, "", "x", False])


def test_acceptance_15_no_single_mutation_is_served_as_equal():
    """None keeps K0, and K1 stays only where a declared class was replaced by itself. LONG_MUTATIONS=10000 for the whole bar."""
    chance = random.Random(15)
    original = key()
    bound = 0
    for _ in range(MUTATIONS):
        path, value = chance.choice([leaf for leaf in FIXED if leaf[0] not in IDS])
        new = mutated(chance, value)
        other = key(changed(list(path), new))
        if new == value or (path[-1] == "content" and path[:2] == ("messages", 2) and parsed(value) == parsed(new)):
            assert other.exact == original.exact
            continue
        assert other.exact != original.exact, (path, value, new)
        if other.shape == original.shape:
            bound += 1
            pairs = [(a, b) for a, b in zip(original.holes, other.holes, strict=True) if a != b]
            assert pairs, (path, value, new)
            assert all(a.kind is b.kind for a, b in pairs)
    assert bound > 0


def test_acceptance_14_undecodable_bodies_match_only_themselves():
    """1,000 fuzzed bodies: two keys are equal only when the bodies are, or when both are JSON of one value."""
    chance = random.Random(14)
    body = json.dumps({"order": "A-1249", "sum": 499.0, "tags": ["x", "y"], "deep": {"ok": True}})
    seen: dict[str, str] = {}
    for _ in range(1_000):
        text = body
        for _ in range(chance.randrange(1, 4)):
            text = mutated(chance, text)
        found = key_of("tool", "t", {"call_id": None, "arguments": text}, near_ns=NEAR).exact
        known = seen.setdefault(found, text)
        if known != text:
            assert parsed(known)[1]
            assert parsed(text)[1]
            assert parsed(known) == parsed(text)
    assert len(seen) > 500
