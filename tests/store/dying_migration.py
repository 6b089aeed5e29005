"""Migrations that die: `python -m tests.store.dying_migration ADDRESS [EVERY]` kills a real process at each step.

Of a ledger, a child migrates and kills itself with -9 after its n-th statement, n = EVERY, 2 · EVERY, … on the same ledger, until
one child comes to the end. Of an embedded store (`chdb://…`), a child dies after every statement at which none has died yet,
and the next begins where that left it. Prints the number of deaths.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

CHILD = "--child"


def main() -> None:
    if sys.argv[1] == CHILD:
        _store(sys.argv[2], Path(sys.argv[3]))
        return
    address, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    deaths = _deaths_of_store(address) if address.startswith("chdb://") else _deaths_of_ledger(address, every)
    sys.stdout.write(f"{deaths}\n")


def _deaths_of_ledger(address: str, every: int) -> int:
    for name in ("alembic.command", "store.ledger"):
        importlib.import_module(name)  # once, so that a child begins at once; nothing is opened before the fork
    deaths = 0
    while True:
        child = os.fork()
        if child == 0:
            _ledger(address, deaths * every)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 0:
            return deaths
        assert code == -signal.SIGKILL, f"a child ended with {code} after {deaths} deaths"
        deaths += 1


def _deaths_of_store(address: str) -> int:
    """The engine does not survive a fork, so each child is a process of its own."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as died_at:
        command = [sys.executable, "-m", "tests.store.dying_migration", CHILD, address, died_at.name]
        while (code := subprocess.run(command, check=False).returncode) != 0:
            assert code == -signal.SIGKILL, f"a child ended with {code}"
        return len(Path(died_at.name).read_text("utf-8").splitlines())


def _store(address: str, died_at: Path) -> None:
    from store import open_store
    from store.clickhouse.engine import Engine

    change, places = Engine.change, Counter[str]()
    known = set(died_at.read_text("utf-8").splitlines())

    def dying(self: Engine, sql: str, params: Mapping[str, object] | None = None, *, what: str) -> None:
        change(self, sql, params, what=what)
        places[what] += 1
        place = f"{what} {places[what]}"
        if place not in known:
            with died_at.open("a", encoding="utf-8") as file:
                file.write(place + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    Engine.change = dying  # type: ignore[method-assign]
    store = open_store(address)
    store.migrate()
    store.close()


def _ledger(address: str, allowed: int) -> None:
    import sqlalchemy as sa

    from store.ledger import Ledger

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def count(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            return
        _die_after(allowed)

    Ledger.open(address).close()


_done = 0


def _die_after(allowed: int) -> None:
    global _done  # noqa: PLW0603 a counter of this process
    _done += 1
    if _done > allowed:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
