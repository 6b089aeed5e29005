"""Reads the keys that work, for the receiver: no SQLAlchemy, a few hundred kilobytes of memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any
from urllib.parse import quote

from spans.errors import BusyError
from spans.roles import Role
from store.ledger.key_info import KeyInfo
from store.ledger.secrets import digest_of

__all__ = ["KeyReader", "digest_of"]

_SELECT = (
    "SELECT digest, key_id, project, role, name, created_ns, revoked_ns FROM api_keys WHERE revoked_ns IS NULL "
    "ORDER BY created_ns, key_id"
)
_SQLITE = "sqlite:///"


class KeyReader:
    """Opens the ledger read-only for each snapshot, so that nothing is held between them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def snapshot(self) -> tuple[tuple[str, KeyInfo], ...]:
        """Every key that is not revoked, with its digest (see `digest_of`).

        Raises:
            BusyError: the ledger cannot be read now. A receiver answers 503, never 401 (senders drop on 401).
        """
        rows = self._from_sqlite() if self._url.startswith("sqlite") else self._from_postgres()
        return tuple((row[0], KeyInfo(row[1], row[2], Role(row[3]), row[4], row[5], row[6])) for row in rows)

    def _from_sqlite(self) -> list[Any]:
        path = self._url.removeprefix(_SQLITE)
        try:
            # mode=rw, not ro: a reader of a WAL database may have to create its shared-memory file.
            with closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=2.0)) as connection:
                connection.execute("PRAGMA query_only = 1")
                return connection.execute(_SELECT).fetchall()
        except sqlite3.Error as error:
            raise BusyError(
                f"The ledger cannot be read: {error}. Is `tracetape` set up in this data folder?"
            ) from error

    def _from_postgres(self) -> list[Any]:
        import psycopg

        address = "postgresql://" + self._url.split("://", 1)[1]
        try:
            with psycopg.connect(address, connect_timeout=2) as connection:
                rows: list[Any] = connection.execute(_SELECT).fetchall()
                return rows
        except psycopg.Error as error:
            raise BusyError(f"The ledger cannot be read: {type(error).__name__}.") from error
