from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import store.ledger.migrate as migrate_module
from spans.errors import SettingsError
from store.ledger import Ledger
from store.ledger.database import Database
from store.ledger.tables import METADATA


def test_the_migrated_schema_is_the_declared_one(ledger, url):
    database = Database(url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_head_is_the_newest_revision():
    script = ScriptDirectory(str(Path(migrate_module.__file__).parent / "migrations"))
    assert script.get_heads() == [migrate_module.HEAD]


def test_a_newer_ledger_is_refused_with_what_to_do(ledger, url, ledger_file):
    with sqlite3.connect(ledger_file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    connection.close()
    with pytest.raises(SettingsError, match=r"schema 0999.*update tracetape"):
        Ledger.open(url)


def test_a_migration_that_fails_leaves_nothing_behind(url, monkeypatch, ledger_file):
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_index", fail)
        with pytest.raises(RuntimeError):
            Ledger.open(url)
    with sqlite3.connect(ledger_file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    Ledger.open(url).close()


def test_opening_an_upgraded_ledger_needs_no_alembic(ledger, url, monkeypatch):
    monkeypatch.setattr(migrate_module, "_upgrade", lambda *_: pytest.fail("upgraded again"))
    Ledger.open(url).close()
