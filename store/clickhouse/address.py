"""Addresses of ClickHouse: `chdb:///PATH` for the embedded engine, `clickhouse(s)://…` for a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from spans.errors import SettingsError

DATABASE = "tracetape"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A folder for the embedded engine."""

    path: Path
    database: str = DATABASE


@dataclass(frozen=True, slots=True)
class Server:
    """A ClickHouse server over HTTP or HTTPS."""

    host: str
    port: int
    secure: bool
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = DATABASE


def parse_address(dsn: str) -> Embedded | Server:
    """Read an address.

    Raises:
        SettingsError: it cannot be read; the sentence never repeats a password.
    """
    try:
        parts = urlsplit(dsn)
        port = parts.port
    except ValueError as error:
        raise SettingsError(
            "The store address cannot be read; use clickhouse://USER:PASSWORD@HOST:PORT/DATABASE."
        ) from error
    if parts.query or parts.fragment:
        raise SettingsError("The store address takes no options after '?' or '#'.")
    if parts.scheme == "chdb":
        return _embedded(parts)
    return _server(parts, port)


def _embedded(parts: SplitResult) -> Embedded:
    if parts.netloc or not parts.path.strip("/"):
        raise SettingsError("The embedded store needs an absolute folder: chdb:///PATH (three slashes).")
    return Embedded(Path(unquote(parts.path)))


def _server(parts: SplitResult, port: int | None) -> Server:
    if not parts.hostname:
        raise SettingsError("The store address names no host; use clickhouse://USER:PASSWORD@HOST:PORT/DATABASE.")
    secure = parts.scheme == "clickhouses"
    return Server(
        host=parts.hostname,
        port=port or (8443 if secure else 8123),
        secure=secure,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or DATABASE,
    )
