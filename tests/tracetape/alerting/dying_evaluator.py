"""Evaluators that are killed in the middle: `python -m tests.tracetape.alerting.dying_evaluator LEDGER NOW_NS N,N,…`.

Each looks at every rule once with the clock at NOW_NS, and dies by SIGKILL at the N-th statement it sends to the ledger; 0
means it lives. They are forked one after the other, before anything is opened, because importing takes a hundred times as
long as looking. Prints the return code of each as JSON and stops after the first that gets through with N above 0.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from decimal import Decimal

import sqlalchemy as sa

from store.ledger import Ledger
from store.memory import MemoryStore
from tests.builders import a_trace_id, an_assembly
from tracetape.alerting.driver import AlertDriver

SURGE_NS = 1_800_000_000 * 10**9
HOUR_NS = 3_600 * 10**9


def a_surge() -> MemoryStore:
    """Half an hour in which refund spends nine dollars."""
    store = MemoryStore()
    for n in range(9):
        run = {"run_id": a_trace_id(n + 1), "workflow": "refund", "environment": "production", "cost_usd": Decimal(1)}
        store.write_derived([an_assembly(**run, started_ns=SURGE_NS + n * 60 * 10**9)])
    return store


def look(url: str, now_ns: int, deadly: int) -> None:
    """One life."""
    ledger = Ledger.open(url, clock=lambda: now_ns)
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1
        if sent == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    for event in ("before_cursor_execute", "commit"):
        sa.event.listen(ledger.alerts._database.engine, event, count)
    AlertDriver(a_surge(), ledger, clock_ns=lambda: now_ns).look()


def main(url: str, now_ns: int, deadlies: list[int]) -> list[int]:
    codes = []
    for deadly in deadlies:
        child = os.fork()
        if child == 0:
            look(url, now_ns, deadly)
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        if deadly and codes[-1] == 0:
            break
    return codes


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]), [int(n) for n in sys.argv[3].split(",")])))
