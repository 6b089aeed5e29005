from __future__ import annotations

from pathlib import Path

import pytest

from spans.errors import SettingsError
from store.clickhouse.address import Embedded, Server, parse_address


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("chdb:///data/store", Embedded(Path("/data/store"))),
        ("chdb:///with%20space", Embedded(Path("/with space"))),
        ("clickhouse://db", Server("db", 8123, secure=False)),
        ("clickhouses://db/other", Server("db", 8443, secure=True, database="other")),
        ("clickhouse://u:p%40ss@db:1/x", Server("db", 1, secure=False, user="u", password="p@ss", database="x")),
        ("clickhouse://[::1]:9/x", Server("::1", 9, secure=False, database="x")),
    ],
)
def test_an_address_is_read(dsn, address):
    assert parse_address(dsn) == address


@pytest.mark.parametrize(
    "dsn",
    ["chdb://relative/path", "chdb://", "chdb:///", "clickhouse://", "clickhouse://h:99999/", "clickhouse://h/?a=1"],
)
def test_an_address_it_cannot_read_is_a_clear_sentence(dsn):
    with pytest.raises(SettingsError, match="store"):
        parse_address(dsn)


def test_a_password_is_not_printed():
    assert "hunter2" not in repr(parse_address("clickhouse://u:hunter2@h/x"))
    with pytest.raises(SettingsError) as caught:
        parse_address("clickhouse://u:hunter2@h:x/y")
    assert "hunter2" not in str(caught.value)
