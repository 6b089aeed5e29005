from __future__ import annotations

import subprocess
import sys

import pytest

from spans.errors import BusyError
from spans.roles import Role
from store.ledger.key_reader import KeyReader, digest_of


def test_a_snapshot_holds_working_keys_by_digest(ledger, url):
    info, secret = ledger.keys.create("shop", Role.INGEST, "laptop")
    gone, _ = ledger.keys.create("shop", Role.INGEST, "old")
    ledger.keys.revoke(gone.key_id)
    assert KeyReader(url).snapshot() == ((digest_of(secret), info),)


def test_it_sees_keys_made_after_it_was_built(ledger, url):
    reader = KeyReader(url)
    assert reader.snapshot() == ()
    ledger.keys.create("shop", Role.INGEST, "laptop")
    assert len(reader.snapshot()) == 1


def test_a_missing_ledger_is_busy_so_that_senders_keep_their_data(tmp_path):
    with pytest.raises(BusyError, match="cannot be read"):
        KeyReader(f"sqlite:///{tmp_path}/none.sqlite").snapshot()
    assert not (tmp_path / "none.sqlite").exists()


def test_it_imports_nothing_heavy():
    code = (
        "import sys, store.ledger.key_reader; "
        "print(sorted({'sqlalchemy', 'alembic', 'pyarrow', 'chdb', 'clickhouse_connect'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
