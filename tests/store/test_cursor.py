from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spans.errors import RefusedError
from store.cursor import RunCursor, decode_cursor


@given(st.integers(0, 2**64 - 1), st.from_regex("[0-9a-f]{32}", fullmatch=True))
def test_a_cursor_survives_the_round_trip(started_ns, run_id):
    cursor = RunCursor(started_ns, run_id)
    assert decode_cursor(cursor.encode()) == cursor


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_refused(text):
    try:
        decode_cursor(text)
    except RefusedError:
        return


@pytest.mark.parametrize("text", ["", "MTIz", "LTEuYQ", "Mjc2NzAxMTYxMTA1NjQzMjc0MjEwLmE"])
def test_a_cursor_of_impossible_numbers_is_refused(text):
    with pytest.raises(RefusedError):
        decode_cursor(text)
