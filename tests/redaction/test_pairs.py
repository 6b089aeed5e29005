"""Values that plain text names itself get their key as context."""

from __future__ import annotations

import pytest

from redaction.pairs import named_values


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ('level=info name="Mykola Pemberton" took=3', [("Mykola Pemberton", "name")]),
        ("User(name='Chiara', born='20. Mai 2002')", [("Chiara", "name"), ("20. Mai 2002", "born")]),
        ('webhook: {"event":"user.created","full_name":"Ioana T"}', [("Ioana T", "full_name")]),
        ('<customer id="1"><name>Freja Nkosi</name></customer>', [("Freja Nkosi", "name")]),
        ("FN:Thiago Gross\nBDAY:June 1978", [("Thiago Gross", "FN"), ("June 1978", "BDAY")]),
        ("**Full name:** Siti L.", [("Siti L.", "Full_name")]),
        ('actor user="Kamala Raghunathan" ok', [("Kamala Raghunathan", "user")]),
        ("user: please summarise the report", []),
        ("Customer: the parcel never came", []),
        ("ratio=0.5 mode='fast'", []),
        ("", []),
    ],
)
def test_values_are_found_under_their_names(text, want):
    assert [(value, key) for _, value, key in named_values(text)] == want
    assert all(text[place : place + len(value)] == value for place, value, _ in named_values(text))
