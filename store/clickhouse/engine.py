"""Connections to ClickHouse: one that writes, bounded pools that read under caps; the same for server and embedded."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from spans.errors import BusyError, SettingsError
from store.clickhouse.address import Embedded, Server
from store.clickhouse.errors import translated
from store.clickhouse.sql import statement
from store.clickhouse.wholeness import Wholeness, make_damage_plain
from store.text import clean_text

logger = logging.getLogger(__name__)

PoolName = Literal["page", "search", "job"]
Row = dict[str, Any]
_GIB = 1024**3
ROOM_BYTES = 16 << 20
"""Far more than the descriptions of all tables."""
_UNKNOWN_DATABASE = 81
_NOT_ALLOWED = frozenset({192, 193, 194, 291, 492, 497, 516})
"""Unknown user, wrong or missing password, no access to the database, access denied, authentication failed."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What one pool of readers may use: connections, seconds per query, bytes per query, seconds to wait for a turn."""

    connections: int
    query_s: int
    memory_bytes: int
    wait_s: float
    threads: int = 0
    """Per query; 0 is as many as there are cores."""


POOLS: Mapping[PoolName, Caps] = {
    # Jobs leave half of the cores to pages and to what arrives.
    "page": Caps(connections=4, query_s=10, memory_bytes=2 * _GIB, wait_s=10),
    "search": Caps(connections=2, query_s=10, memory_bytes=2 * _GIB, wait_s=10),
    "job": Caps(
        connections=2, query_s=120, memory_bytes=4 * _GIB, wait_s=120, threads=max(1, (os.cpu_count() or 1) // 2)
    ),
}

WRITE_SETTINGS: Mapping[str, object] = {
    # An answer must mean "stored": buffered inserts are on by default since 26.x (reliability reference, fact 9).
    "async_insert": 0,
    "wait_end_of_query": 1,
    # The table's key deduplicates; block tokens only add ways to lose rows.
    "insert_deduplicate": 0,
    # An insert over two partitions is not atomic; ours never has two, and the engine holds us to it.
    "max_partitions_per_insert_block": 1,
    "throw_on_max_partitions_per_insert_block": 1,
    "mutations_sync": 2,
    "alter_sync": 2,
}


_MIB = 1024**2
EMBEDDED_CACHES: Mapping[str, int] = {
    # The engine's own bounds are made for a machine of its own: 5 GiB of marks, 1 to 2 GiB for each cache of text
    # indexes. Marks and index blocks of tens of millions of spans fit into these several times.
    "mark_cache_size": 256 * _MIB,
    "index_mark_cache_size": 64 * _MIB,
    "primary_index_cache_size": 64 * _MIB,
    "text_index_tokens_cache_size": 64 * _MIB,
    "text_index_header_cache_size": 64 * _MIB,
    "text_index_postings_cache_size": 128 * _MIB,
    "query_condition_cache_size": 16 * _MIB,
    "compiled_expression_cache_size": 16 * _MIB,
    "vector_similarity_index_cache_size": _MIB,
    "iceberg_metadata_files_cache_size": _MIB,
    # Idle threads keep their allocator's caches.
    "max_thread_pool_free_size": 16,
}
_ROOMY_BYTES = 4 * _GIB


def embedded_options() -> dict[str, str]:
    """What the embedded engine is opened with: bounded caches, and at most half of a machine that is not small."""
    options = {name: str(size) for name, size in EMBEDDED_CACHES.items()}
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >= _ROOMY_BYTES:
        options["max_server_memory_usage_to_ram_ratio"] = "0.5"
    return options


def read_settings(caps: Caps) -> dict[str, object]:
    """Settings of a reader; `readonly` comes last because nothing can be set after it."""
    return {
        "max_execution_time": caps.query_s,
        "max_threads": caps.threads,
        "timeout_overflow_mode": "throw",
        "max_memory_usage": caps.memory_bytes,
        # Derived rows of one run never leave their partition, so FINAL need not compare partitions.
        "do_not_merge_across_partitions_select_final": 1,
        "readonly": 1,
    }


class Engine:
    """Every connection of this process to one ClickHouse. Safe for several threads."""

    def __init__(self, connect: Callable[[Mapping[str, object]], Client], inserts: Path | None) -> None:
        """Open the writing connection; readers open when first used.

        Args:
            connect: opens one connection with these settings.
            inserts: folder for insert files of the embedded engine; None for a server.
        """
        self._connect = connect
        self._inserts = inserts
        self._wholeness = Wholeness()
        self._writing = threading.RLock()
        self._writer = connect(WRITE_SETTINGS)
        self._pools = {name: _Pool(name, caps, connect) for name, caps in POOLS.items()}

    @classmethod
    def open(cls, address: Embedded | Server) -> Engine:
        """Connect, creating the database when it is missing.

        Raises:
            SettingsError: the folder is in use or cannot be written; the server refuses us.
            BusyError: the server cannot be reached now.
        """
        return _open_embedded(address) if isinstance(address, Embedded) else _open_server(address)

    @property
    def is_embedded(self) -> bool:
        """Whether its files are ours."""
        return self._inserts is not None

    def folder(self) -> Path:
        """Where the files of the embedded engine lie.

        Raises:
            SettingsError: the engine is a server; its files are not ours.
        """
        if self._inserts is None:
            raise SettingsError(
                "The store is a ClickHouse server: use its own BACKUP and RESTORE, and pg_dump for the ledger."
            )
        return self._inserts.parent

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes through this engine meanwhile: for what must not lose a row that arrives in between."""
        with self._writing:
            yield

    def insert(self, table: str, rows: pa.Table) -> None:
        """Insert rows of one partition; they are stored when it returns.

        Raises:
            BusyError: they are not, and writing them again later may succeed.
        """
        what = f"Writing {table}"
        with self._writing, translated(what):
            if self._inserts is None:
                self._writer.insert_arrow(table, rows)
                return
            self._wholeness.refuse_if_broken(what)
            self._insert_file(table, rows, self._inserts)
            # The engine's answer is not enough: it says success though the disk was full.
            self._look(table)
            self._wholeness.refuse_if_broken(what)

    def change(self, sql: str, params: Mapping[str, object] | None = None, *, what: str) -> None:
        """Run a statement that changes something."""
        with self._writing, translated(what):
            self._wholeness.refuse_if_broken(what)
            self._writer.command(sql, parameters=_bound(params))
            self._look(None)
            self._wholeness.refuse_if_broken(what)

    def refuse_if_full(self, what: str) -> None:
        """What a table is must not be written on a full disk: the engine would not notice that it was not.

        Raises:
            BusyError: there is too little room.
        """
        if self._inserts is not None and shutil.disk_usage(self._inserts).free < ROOM_BYTES:
            raise BusyError(
                f"{what}: the volume of the store has less than {ROOM_BYTES >> 20} MiB left; free some space."
            )

    def broken_parts(self) -> tuple[str, ...]:
        """Parts in use that lack bytes, as `table/part`; nothing more is written after one was found.

        A server's disk is not ours to look at. Does not wait for a write in hand, which may take minutes.
        """
        if self._inserts is None:
            return ()
        return self._wholeness.broken(self.select(statement("active_parts"), pool="job", what="Looking at the parts"))

    def _look(self, table: str | None) -> None:
        if self._inserts is None:
            return
        sql = statement("active_parts") if table is None else statement("active_parts_of")
        params = None if table is None else {"table": table}
        self._wholeness.broken(self._writer.query(sql, parameters=params).named_results())

    def select(
        self,
        sql: str,
        params: Mapping[str, object] | None = None,
        *,
        pool: PoolName = "page",
        what: str = "Reading",
    ) -> list[Row]:
        """Rows of a query as dictionaries.

        Raises:
            BusyError: a cap was hit, no connection came free, or the engine cannot be reached.
        """
        with self._pools[pool].connection(what) as client, translated(what):
            return list(client.query(sql, parameters=_bound(params)).named_results())

    def columns(
        self,
        sql: str,
        params: Mapping[str, object] | None = None,
        *,
        pool: PoolName = "page",
        what: str = "Reading",
    ) -> dict[str, list[Any]]:
        """The columns of a query by name: for answers of many rows, of which no row is looked at alone.

        Raises:
            BusyError: a cap was hit, no connection came free, or the engine cannot be reached.
        """
        with self._pools[pool].connection(what) as client, translated(what):
            table = client.query_arrow(sql, parameters=_bound(params))
        return {name: column.to_pylist() for name, column in zip(table.column_names, table.columns, strict=True)}

    def arrow(self, sql: str, params: Mapping[str, object] | None = None, *, what: str = "Reading") -> pa.Table:
        """Rows of a query as one Arrow table, for jobs that move many of them.

        Raises:
            BusyError: a cap was hit, no connection came free, or the engine cannot be reached.
        """
        with self._pools["job"].connection(what) as client, translated(what):
            return client.query_arrow(sql, parameters=_bound(params), use_strings=True)

    def release_memory(self) -> None:
        """Give freed memory back to the system: the allocator of the embedded engine keeps as much as it ever had in use.

        Its own timer (five seconds without a use) does not get to pages that small work touches again and again.
        """
        with self._writing, translated("Releasing memory"):
            self._writer.command(statement("release_memory"))

    def close(self) -> None:
        """Wait for the write in hand, then release every connection; safe to call twice."""
        for pool in self._pools.values():
            pool.close()
        with self._writing:
            self._writer.close()

    def _insert_file(self, table: str, rows: pa.Table, folder: Path) -> None:
        """Insert through a file of ours: the driver's own would land in the system's temporary folder."""
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".arrow") as file:
            with pa.ipc.new_stream(file, rows.schema) as writer:
                writer.write_table(rows)
            file.flush()
            names = ", ".join(rows.column_names)
            path = file.name.replace("\\", "\\\\").replace("'", "\\'")
            self._writer.command(f"INSERT INTO {table} ({names}) FROM INFILE '{path}' FORMAT ArrowStream")


class _Pool:
    """Readers of one kind, opened as needed up to a bound."""

    def __init__(self, name: str, caps: Caps, connect: Callable[[Mapping[str, object]], Client]) -> None:
        self._name = name
        self._caps = caps
        self._connect = connect
        self._free: queue.LifoQueue[Client | None] = queue.LifoQueue()
        for _ in range(caps.connections):
            self._free.put(None)
        self._closed = threading.Event()

    @contextlib.contextmanager
    def connection(self, what: str) -> Iterator[Client]:
        """Borrow a reader."""
        if self._closed.is_set():
            raise BusyError(f"{what}: the store is closing.")
        try:
            client = self._free.get(timeout=self._caps.wait_s)
        except queue.Empty as error:
            raise BusyError(f"{what}: all {self._caps.connections} readers for this are busy.") from error
        try:
            if client is None:
                with translated(what):
                    client = self._connect(read_settings(self._caps))
            yield client
        finally:
            if self._closed.is_set() and client is not None:
                client.close()
                client = None
            self._free.put(client)

    def close(self) -> None:
        """Close idle readers now, busy ones when they come back."""
        self._closed.set()
        for _ in range(self._caps.connections):
            try:
                client = self._free.get_nowait()
            except queue.Empty:
                return
            if client is not None:
                client.close()


def _open_embedded(address: Embedded) -> Engine:
    path = str(address.path)

    def connect(settings: Mapping[str, object], database: str | None = address.database) -> Client:
        return clickhouse_connect.get_client(
            dsn=f"chdb://{path}", database=database, settings=dict(settings), chdb_options=embedded_options()
        )

    inserts = address.path / "inserts"
    try:
        address.path.mkdir(parents=True, exist_ok=True)
        if damaged := make_damage_plain(address.path):
            logger.critical(
                "parts lack bytes; the engine sets them aside", extra={"parts": damaged[:20], "count": len(damaged)}
            )
        first = connect({}, database=None)
        try:
            first.command(
                "CREATE DATABASE IF NOT EXISTS {database:Identifier}", parameters={"database": address.database}
            )
            # The engine holds the folder now, so nobody else's insert can be in this one.
            inserts.mkdir(mode=0o700, exist_ok=True)
            for left in inserts.iterdir():
                left.unlink()
            return Engine(connect, inserts)
        finally:
            first.close()
    except ClickHouseError as error:
        raise SettingsError(
            f"The store folder {path} cannot be opened: another process may be using it ({_first_line(error)}).",
        ) from error
    except OSError as error:
        raise SettingsError(f"The store folder {path} cannot be used: {error.strerror}.") from error


def _open_server(address: Server) -> Engine:
    def connect(settings: Mapping[str, object], database: str = address.database) -> Client:
        return clickhouse_connect.get_client(
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            secure=address.secure,
            database=database,
            settings=dict(settings),
            autogenerate_session_id=False,  # a session would run one query at a time
            connect_timeout=5,
            send_receive_timeout=300,
            client_name="tracetape",
        )

    where = f"ClickHouse at {address.host}:{address.port}"
    with translated(where), _refusals(where):
        try:
            return Engine(connect, None)
        except ClickHouseError as error:
            if getattr(error, "code", None) != _UNKNOWN_DATABASE:
                raise
        with contextlib.closing(connect({}, database="default")) as first:
            first.command(
                "CREATE DATABASE IF NOT EXISTS {database:Identifier}", parameters={"database": address.database}
            )
        return Engine(connect, None)


@contextlib.contextmanager
def _refusals(where: str) -> Iterator[None]:
    """A server that answers but will not have us is a matter of settings."""
    try:
        yield
    except ClickHouseError as error:
        if getattr(error, "code", None) in _NOT_ALLOWED:
            raise SettingsError(
                f"{where} refuses this user: check user, password and rights ({_first_line(error)}).",
            ) from error
        raise


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]


def _bound(params: Mapping[str, object] | None) -> dict[str, object]:
    """Parameters the engine cannot refuse: a lone surrogate has no UTF-8."""
    return {name: _clean(value) for name, value in (params or {}).items()}


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_clean(item) for item in value)
    return value
