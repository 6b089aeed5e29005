from __future__ import annotations

import subprocess
import sys

import pytest

import store
from spans.errors import SettingsError
from store import open_store
from store.memory import MemoryStore


def test_memory_needs_no_engine():
    assert isinstance(open_store("memory://"), MemoryStore)


@pytest.mark.parametrize("dsn", ["", "memory", "postgres://user:hunter2@h/x", "/data", "clickhous://h"])
def test_an_unknown_address_is_one_clear_sentence_without_passwords(dsn):
    with pytest.raises(SettingsError, match="use memory://, chdb:///PATH") as caught:
        open_store(dsn)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_name_in_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing"):
        _ = store.nothing


def test_importing_rows_does_not_load_an_engine():
    """Workers make rows; only main opens the store."""
    code = "import sys, store.rows; print(sorted({'chdb', 'clickhouse_connect', 'sqlalchemy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
