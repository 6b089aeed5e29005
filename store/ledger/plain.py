"""A ledger file as plain text, for the search of `tracetape scan`: long values lie in pieces on its pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote


class NotALedgerError(Exception):
    """The file is no SQLite database, or it is damaged."""


def rows_as_text(path: Path) -> Iterator[bytes]:
    """Every row of every table, opened for reading only.

    Raises:
        NotALedgerError: it cannot be read as a database.
    """
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        for line in connection.iterdump():
            yield line.encode("utf-8", "surrogatepass") + b"\n"
    except sqlite3.Error as error:
        raise NotALedgerError from error
    finally:
        connection.close()
