from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from web.csv import csv_cell, csv_text


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "\t=1", "\r=1", "|x", "%x", '=HYPERLINK("http://x")']
)
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(text):
    assert csv_cell(text).startswith("'")


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (-3, "-3"), ("-0.25", "-0.25"), (1.5, "1.5"), ("plain", "plain")]
)
def test_numbers_stay_numbers_and_nothing_is_empty(value, cell):
    assert csv_cell(value) == cell


def test_invisible_characters_get_a_face():
    assert csv_cell("invoice\u202egnp.exe\x07") == "invoice[U+202E]gnp.exe[U+0007]"


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=5))
def test_any_text_stays_in_its_cell(rows):
    text = csv_text(("a", "b"), rows)
    assert text.startswith("\ufeff")
    read = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert [len(r) for r in read] == [2] * (len(rows) + 1)
    assert not any(cell[:1] in "=+@|%" for row in read for cell in row if cell)
