"""A real PostgreSQL of the machine's own for tests: a cluster in a temporary folder that ends with the test run.

`TRACETAPE_TEST_POSTGRES` (an address that may create databases) is used instead when it is set.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HOME = Path("/usr/lib/postgresql")
USER, PASSWORD = "tracetape", "pa:ss@w/rd"
QUOTED = "pa%3Ass%40w%2Frd"
ADDRESS_VARIABLE = "TRACETAPE_TEST_POSTGRES"


def programs() -> Path | None:
    """Where `initdb` and `postgres` are; None when there are none, or no driver for them."""
    if importlib.util.find_spec("psycopg") is None:
        return None
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted((p / "bin" for p in HOME.glob("*")), reverse=True)
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


def is_there() -> bool:
    """Whether tests against PostgreSQL can run here."""
    return bool(os.environ.get(ADDRESS_VARIABLE)) or programs() is not None


@contextlib.contextmanager
def a_postgres() -> Iterator[str]:
    """The address of a server without the name of a database, ended by a slash."""
    if given := os.environ.get(ADDRESS_VARIABLE):
        yield given.rsplit("/", 1)[0] + "/"
        return
    bins = programs()
    assert bins is not None
    # PostgreSQL refuses to run as root, and its user cannot enter the private folders of a test.
    owner = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ttpg-"))
    try:
        password = folder / "password"
        password.write_text(PASSWORD, encoding="ascii")
        if owner:
            for place in (folder, password):
                shutil.chown(place, owner)
        data, port = folder / "data", _free_port()
        initdb = [bins / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", password]
        _run([*initdb, "--no-sync", "-E", "UTF8", "--locale", "C"], owner)
        command = [bins / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder]
        options = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=16MB")
        log = (folder / "log").open("wb")
        server = subprocess.Popen(
            [*command, *(word for option in options for word in ("-c", option))], stdout=log, stderr=log, user=owner
        )
        try:
            address = f"postgresql://{USER}:{QUOTED}@127.0.0.1:{port}/"
            _wait_for(address, server)
            yield address
        finally:
            server.terminate()  # "smart" would wait for connections; this is "fast" after SIGINT
            server.send_signal(2)
            server.wait(20)
            log.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def execute(address: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    import psycopg

    with psycopg.connect(address + "postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def empty(url: str) -> None:
    """Forget every row of a database and begin its numbers again: far cheaper than a database for each test."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        rows = [t for (t,) in tables if connection.execute(f'SELECT 1 FROM "{t}" LIMIT 1'.encode()).fetchone()]
        for table in rows:
            connection.execute(f'TRUNCATE "{table}" RESTART IDENTITY'.encode())


def _run(command: list[object], owner: str | None) -> None:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, user=owner, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 20
    while True:
        assert server.poll() is None, "PostgreSQL did not start"
        try:
            psycopg.connect(address + "postgres").close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
        else:
            return
