"""Opens the store that an address names."""

from __future__ import annotations

from spans.errors import SettingsError
from store.api import Store

_SCHEMES = "memory://, chdb:///PATH, clickhouse://… or clickhouses://…"


def open_store(dsn: str) -> Store:
    """The store at an address; `migrate` must be called before it is used.

    `memory://` keeps nothing. `chdb:///PATH` is the embedded engine (one process per folder).
    `clickhouse://user:password@host:port/database` is a server over HTTP, `clickhouses://` over HTTPS.

    Raises:
        SettingsError: the address names no store, or the engine cannot open it.
    """
    scheme, colon, _ = dsn.partition("://")
    if scheme == "memory" and colon:
        from store.memory import MemoryStore

        return MemoryStore()
    if scheme in {"chdb", "clickhouse", "clickhouses"} and colon:
        from store.clickhouse import ClickHouseStore

        return ClickHouseStore.open(dsn)
    # Only the scheme is shown: the rest may hold a password.
    raise SettingsError(f"The store address begins with {scheme[:20]!r}; use {_SCHEMES}")
