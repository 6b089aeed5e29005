"""Migrations of the ledger that die: `python -m tests.store.dying_migration ADDRESS [EVERY]` kills a real process at each step.

A child migrates and kills itself with -9 after its n-th statement, n = EVERY, 2 · EVERY, … on the same ledger, until one
child comes to the end. Prints the number of deaths.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys


def main() -> None:
    address, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
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
            break
        assert code == -signal.SIGKILL, f"a child ended with {code} after {deaths} deaths"
        deaths += 1
    sys.stdout.write(f"{deaths}\n")


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
