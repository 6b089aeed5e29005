"""Tables with personal columns are read cell by cell."""

from __future__ import annotations

import pytest

from redaction.tables import cells


def named(text):
    return [(cell, name) for _, cell, name in cells(text)]


def test_csv_cells_know_their_column():
    assert named("name,email,phone\nMaria,m@x.org,12\n")[3:] == [
        ("Maria", "name"),
        ("m@x.org", "email"),
        ("12", "phone"),
    ]


def test_markdown_cells_know_their_column():
    assert ("Maria", "name") in named("| name | email |\n|---|---|\n| Maria | m@x.org |")


def test_a_separator_in_quotes_separates_nothing():
    assert ("Gonzalez, Maria", "name") in named('name,email,phone\n"Gonzalez, Maria",m@x.org,12')


def test_a_decimal_comma_does_not_move_the_columns_before_it():
    assert ("21/11/1997", "dob") in named("name,dob,amount\nMaria,21/11/1997,3742,53")


def test_every_cell_stands_where_it_says():
    text = "id\tname\temail\n1\tMaria\tm@x.org\nnote\n"
    assert all(text[place : place + len(cell)] == cell for place, cell, _ in cells(text))
    assert "note" in [cell for _, cell, _ in cells(text)]


@pytest.mark.parametrize(
    "text", ["", "one line", "a,b,c\n1,2,3", "Hello, dear customer, your name:\nMaria", "name,mail,x\n"]
)
def test_other_text_is_no_table(text):
    assert cells(text) is None
