"""The ledger's connections: short transactions, one writer at a time, errors told apart by whether waiting helps."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from spans.errors import BusyError, SettingsError

BUSY_TIMEOUT_MS = 5_000
_ONE_WRITER = 0x7472_6163_6574_6170
"""The advisory lock that a writer on PostgreSQL holds: "tracetap" in ASCII, so that an operator can recognise it."""
_WRITE = "tracetape_write"
_DURABLE = "tracetape_durable"


class Database:
    """A pool of connections to one ledger. Safe for several threads; several processes may hold one each."""

    def __init__(self, url: str, clock: Callable[[], int] = time.time_ns) -> None:
        """Open the address; nothing is read or written yet.

        Raises:
            SettingsError: not an address of SQLite or PostgreSQL, or its driver is not installed.
        """
        self.now_ns = clock
        self.engine = _open_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; nothing can be written in it.

        Raises:
            BusyError: the ledger cannot be reached now.
        """
        with _translated(), self.engine.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """One transaction, committed at the end, undone on any error; writers wait for each other.

        `durable=False` survives the death of every process, but not a power cut: for counts that may be lost together
        with what they count.

        Raises:
            BusyError: another writer holds the ledger for longer than five seconds, or the disk is full.
        """
        with _translated(), self.engine.connect() as connection:
            connection.execution_options(**{_WRITE: True, _DURABLE: durable})
            with connection.begin():
                if not self.is_sqlite:
                    _begin_postgres(connection, durable)
                yield connection

    def upsert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what to do on a conflict."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def copy_to(self, path: Path) -> None:
        """Write a whole copy with SQLite's own backup.

        Raises:
            SettingsError: the ledger is not SQLite.
        """
        source = self.engine.url.database
        if not self.is_sqlite or not source:
            raise SettingsError("The ledger is a PostgreSQL server: use pg_dump.")
        with contextlib.closing(sqlite3.connect(source)) as here, contextlib.closing(sqlite3.connect(path)) as there:
            here.backup(there)

    def checkpoint(self) -> None:
        """Move what stands in SQLite's write-ahead log into the file and cut the log; nothing on a server.

        Best effort: a long reader may keep the log for now, and the next call cuts it.
        """
        if self.is_sqlite:
            with _translated(), self.engine.connect() as connection:
                connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # type: ignore[union-attr]

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self.engine.dispose()


def _open_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            return sa.create_engine(
                parsed,
                pool_pre_ping=True,
                pool_size=5,
                max_overflow=10,
                pool_timeout=5,
                # Without it an INSERT … ON CONFLICT says -1 rows, and "somebody else was first" reads as "it was us".
                execution_options={"preserve_rowcount": True},
            )
        if kind == "sqlite" and parsed.database:
            return sa.create_engine(parsed, pool_size=5, max_overflow=10, pool_timeout=5)
    except ArgumentError as error:
        raise SettingsError(
            f"The ledger address cannot be read; use sqlite:///PATH or postgresql://… ({error})"
        ) from error
    except (ImportError, NoSuchModuleError) as error:
        raise SettingsError("A ledger on PostgreSQL needs its driver: pip install 'tracetape[postgres]'.") from error
    raise SettingsError(f"The ledger address begins with {kind!r}; use sqlite:///PATH or postgresql://…")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own habit begins too late
    for pragma in (
        "journal_mode = WAL",
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "foreign_keys = ON",
        "synchronous = NORMAL",
        "secure_delete = ON",  # what an erasure removes must not stay readable in free pages
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_WRITE):
        # Set each time because the pool hands connections around; it costs microseconds.
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options.get(_DURABLE) else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_postgres(connection: Connection, durable: bool) -> None:
    # "Look, then write" is all over the ledger and is right on SQLite, where one transaction writes at a time. A server
    # lets two look at once, so writers queue here too; transactions are a few rows, and nobody waits for a person.
    # A writer whose machine vanished must not hold the queue until TCP notices.
    settings = [f"lock_timeout = {BUSY_TIMEOUT_MS}", f"idle_in_transaction_session_timeout = {2 * BUSY_TIMEOUT_MS}"]
    settings += [] if durable else ["synchronous_commit = off"]
    for setting in settings:
        connection.exec_driver_sql(f"SET LOCAL {setting}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_WRITER})")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise BusyError("The ledger is busy: no connection came free in five seconds.") from error
    except OperationalError as error:
        raise BusyError(f"The ledger cannot be used now: {_reason(error)}.") from error
    except DBAPIError as error:
        if type(error.orig) is sqlite3.DatabaseError:  # the base class itself: not a database, or a malformed one
            raise SettingsError(
                f"The ledger file cannot be read: {_reason(error)}. Restore it from a backup."
            ) from error
        raise


def _reason(error: DBAPIError) -> str:
    """The driver's own words, without our statement and its values."""
    return str(error.orig).splitlines()[0].rstrip(".")


def scalar(value: Any) -> int:
    """An integer of one cell that may be NULL."""
    return int(value or 0)
