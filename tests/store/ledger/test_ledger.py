from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from spans.errors import BusyError, SettingsError
from spans.roles import Role
from store.ledger import Ledger


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///"])
def test_an_address_it_cannot_use_is_one_clear_sentence(url):
    with pytest.raises(SettingsError, match="sqlite:///PATH"):
        Ledger.open(url)


def test_a_folder_that_does_not_exist_is_a_clear_sentence(tmp_path):
    with pytest.raises(BusyError, match="unable to open"):
        Ledger.open(f"sqlite:///{tmp_path}/none/ledger.sqlite")


def test_several_processes_may_open_and_write_it_at_once(tmp_path, url):
    code = (
        "import sys; from store.ledger import Ledger; from spans.roles import Role; "
        "ledger = Ledger.open(sys.argv[1]); "
        "[ledger.keys.create('p', Role.INGEST, str(n)) for n in range(10)]; ledger.close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
    assert [p.wait(60) for p in processes] == [0, 0, 0]
    ledger = Ledger.open(url)
    assert ledger.keys.count(Role.INGEST) == 30
    ledger.close()


def test_it_waits_in_wal_mode(ledger, ledger_file):
    with sqlite3.connect(ledger_file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_an_unknown_name_in_the_package_is_an_attribute_error():
    import store.ledger

    with pytest.raises(AttributeError, match="nothing"):
        _ = store.ledger.nothing


def test_a_file_that_is_not_a_ledger_is_a_clear_sentence(url, ledger_file):
    ledger_file.write_bytes(b"not a database at all " * 100)
    with pytest.raises(SettingsError, match="not a database"):
        Ledger.open(url)
