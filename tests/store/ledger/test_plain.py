"""A ledger can be read as text, and a file that is none is told apart."""

from __future__ import annotations

import pytest

from store.ledger import Ledger
from store.ledger.plain import NotALedgerError, rows_as_text


def test_every_row_is_there(tmp_path):
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger.audit.append("member:1", "search", target="needle " * 3000)
    ledger.close()
    assert ("needle " * 3000).encode() in b"".join(rows_as_text(tmp_path / "ledger.sqlite"))


def test_another_file_is_no_ledger(tmp_path):
    (tmp_path / "x.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(NotALedgerError):
        list(rows_as_text(tmp_path / "x.sqlite"))
