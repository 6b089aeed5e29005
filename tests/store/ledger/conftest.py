"""A ledger with a clock that stands still until told: on SQLite, and on a real PostgreSQL where there is one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.ledger import Ledger
from tests.store.postgres_server import a_postgres, empty, execute, is_there

START_NS = 1_800_000_000_000_000_000
_numbers = itertools.count(1)


class Clock:
    """A hand-moved clock."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of a ledger runs on both kinds; one that looks into the file itself, on SQLite only."""
    if "url" in metafunc.fixturenames and "url" not in {
        m.args[0] for m in metafunc.definition.iter_markers("parametrize")
    }:
        kinds = ["sqlite"] if "ledger_file" in metafunc.fixturenames or not is_there() else ["sqlite", "postgres"]
        metafunc.parametrize("url", kinds, indirect=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server whose database `migrated` has our schema; it is emptied after each test."""
    if not is_there():
        pytest.skip("no PostgreSQL on this machine")
    with a_postgres() as address:
        execute(address, "DROP DATABASE IF EXISTS migrated")
        execute(address, "CREATE DATABASE migrated")
        Ledger.open(f"{address}migrated").close()
        yield address


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    address = request.getfixturevalue("postgres")
    yield f"{address}migrated"
    empty(f"{address}migrated")


@pytest.fixture
def empty_postgres(postgres: str) -> Iterator[str]:
    name = f"t{next(_numbers)}"
    execute(postgres, f"CREATE DATABASE {name}")
    yield f"{postgres}{name}"
    execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(url: str, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger.open(url, clock=clock)
    yield opened
    opened.close()
