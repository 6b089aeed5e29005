from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tracetape.repeats import Repeats


def a_record(slot: int, *ids: str, project: str = "p", redaction: str = "full") -> dict[str, pa.Table]:
    n = len(ids)
    columns = {"project": [project] * n, "trace_id": ["t"] * n, "span_id": list(ids), "segment": ["s"] * n}
    return {"spans": pa.table({**columns, "slot": [slot] * n, "redaction": [redaction] * n})}


def test_a_batch_sent_three_times_is_new_once():
    repeats = Repeats()
    shapes = [dict(repeats.shape(a_record(slot, "a", "b"))) for slot in range(3)]
    assert shapes == [{"rows": 2}, {"duplicate": 2}, {"duplicate": 2}]


def test_the_same_item_twice_in_one_record_is_one_row():
    assert Repeats().shape(a_record(0, "a", "a", "b")) == {"rows": 2, "duplicate": 1}


def test_a_record_stored_again_after_a_crash_repeats_nothing():
    repeats = Repeats()
    repeats.learn([("spans", "p", "t", "a", "s", 4)])
    assert repeats.shape(a_record(4, "a")) == {"rows": 1}
    assert repeats.shape(a_record(5, "a")) == {"duplicate": 1}


def test_two_projects_never_meet():
    repeats = Repeats()
    repeats.shape(a_record(0, "a"))
    assert repeats.shape(a_record(1, "a", project="q")) == {"rows": 1}


def test_texts_that_were_withheld_are_counted_as_that():
    assert Repeats().shape(a_record(0, "a", redaction="withheld")) == {"withheld": 1}


@given(st.lists(st.lists(st.integers(0, 20), max_size=8), max_size=40))
def test_every_item_has_exactly_one_shape_and_memory_is_bounded(records):
    repeats = Repeats(generation=10)
    for slot, ids in enumerate(records):
        shape = repeats.shape(a_record(slot, *map(str, ids)))
        assert sum(shape.values()) == len(ids)
    assert len(repeats._young) < 10
    assert len(repeats._old) <= 10
