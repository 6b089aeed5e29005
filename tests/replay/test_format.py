from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.format import RecordingFileError, is_whole, read_recording, write_recording
from replay.reading import read_recording as from_store
from replay.recording import VERSION, recording_json
from tests.replay.house import CAPTURES, items_of, stored
from tests.runs.scoring import load

FILES = Path(__file__).parents[1] / "data" / "recordings"


def a_recording():
    store, runs = stored(items_of(load(CAPTURES / "web-two-services__double")))
    return recording_json(max((from_store(store, run) for run in runs), key=lambda made: len(made.exchanges)))


RECORDING = a_recording()
RAW = write_recording(RECORDING)


def test_what_is_written_is_read_back_and_written_the_same_again():
    read = read_recording(RAW)
    assert read == RECORDING
    assert write_recording(read) == RAW
    assert is_whole(read)


def test_a_changed_exchange_is_not_whole():
    read = read_recording(RAW)
    read["exchanges"][0]["name"] = "another"
    assert not is_whole(read)


@pytest.mark.parametrize("path", sorted(FILES.glob("v*.json")), ids=lambda path: path.name)
def test_files_of_every_version_are_read_for_ever(path):
    read = read_recording(path.read_bytes())
    assert read["version"] == VERSION
    assert read["exchanges"]
    assert read_recording(write_recording(read)) == read


def test_every_version_has_a_file():
    assert {json.loads(path.read_bytes())["version"] for path in FILES.glob("v*.json")} == set(range(VERSION + 1))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "no recording"),
        (b'{"format":"something"}', "no recording"),
        (b'{"format":"tracetape-recording"}', '"version"'),
        (b'{"format":"tracetape-recording","version":true}', '"version"'),
        (b'{"format":"tracetape-recording","version":99}', "update tracetape"),
        (b'{"format":"tracetape-recording","version":0}', "does not hold"),
        (b'{"format":"tracetape-recording","version":1}', "missing"),
        (b'{"format":"tracetape-recording","format":"tracetape-recording","version":1}', "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"format":"tracetape-recording","version":' + b"9" * 5_000 + b"}", "not JSON"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_sentence(raw, says):
    with pytest.raises(RecordingFileError, match=says):
        read_recording(raw)


def test_a_missing_exchange_is_noticed():
    changed = {**RECORDING, "exchanges": RECORDING["exchanges"][1:]}
    with pytest.raises(RecordingFileError, match="missing or moved"):
        read_recording(write_recording(changed))


def only_ours(raw):
    try:
        read_recording(raw)
    except RecordingFileError:
        return False
    return True


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_recording_or_one_kind_of_error(raw):
    assert not only_ours(raw)


SHORT = write_recording({**RECORDING, "exchanges": RECORDING["exchanges"][:2]})


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_a_recording_or_one_kind_of_error(data):
    raw = bytearray(SHORT)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        length = data.draw(st.integers(0, 12))
        raw[at : at + length] = data.draw(st.binary(max_size=12))
    only_ours(bytes(raw))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(RECORDING)), st.sampled_from(sorted(RECORDING["exchanges"][0])), JSON, st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_value_in_any_field_is_a_recording_or_one_kind_of_error(field, inner, value, inside):
    changed = {**RECORDING, "exchanges": [dict(e) for e in RECORDING["exchanges"][:2]]}
    if inside:
        changed["exchanges"][0][inner] = value
    else:
        changed[field] = value
    only_ours(json.dumps(changed).encode())
    only_ours(json.dumps({**changed, "version": 0}).encode())


DIGESTS = """
from tests.replay.test_format import RECORDING
print(RECORDING["digest"], RECORDING["behaviour_digest"], RECORDING["answer_digest"])
"""


@pytest.mark.parametrize(
    "settings_",
    [
        {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4242"},
    ],
    ids=["plain", "far away"],
)
def test_digests_are_equal_across_locales_time_zones_and_hash_seeds(settings_):
    """In a process of its own, since all three are fixed when Python starts."""
    environment = {**os.environ, **settings_, "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(
        [sys.executable, "-c", DIGESTS], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert ran.stdout.split() == [RECORDING["digest"], RECORDING["behaviour_digest"], RECORDING["answer_digest"]]


def test_reading_is_quick_even_for_long_recordings():
    """A tape of 1,000 exchanges; the bar is a second, the test allows for busy machines."""
    chance = random.Random(1)
    exchanges = [{**RECORDING["exchanges"][0], "number": n, "name": str(chance.random())} for n in range(1, 1_001)]
    assert len(read_recording(write_recording({**RECORDING, "exchanges": exchanges}))["exchanges"]) == 1_000
