"""A house whose evaluator lives through simulated hours and dies on the way.

`python -m tests.long.dying_house STORE LEDGER UNTIL_NS STEP_S N`: goes on from the hour the ledger has reached, judges and looks at
every rule once per step, and dies by SIGKILL at the N-th statement it sends to the ledger; 0 means it lives until the end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from store import open_store
from store.ledger import Ledger
from tracetape.alerting.driver import AlertDriver
from tracetape.evaluator import Evaluator

REACHED = "simulated_ns"


class Clock:
    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def live(place: Path, kept: Path, until_ns: int, step_s: int, deadly: int) -> None:
    """One life."""
    clock = Clock()
    ledger = Ledger.open(f"sqlite:///{kept}", clock=clock)
    store = open_store(f"chdb://{place}")
    store.migrate()
    clock.now_ns = int(str(ledger.settings.get(REACHED, 0)))
    sent = 0

    def count(*_: object) -> None:
        nonlocal sent
        sent += 1
        if sent == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    if deadly:
        for event in ("before_cursor_execute", "commit"):
            sa.event.listen(ledger.alerts._database.engine, event, count)
    evaluator = Evaluator(store, ledger, clock_ns=clock)
    driver = AlertDriver(store, ledger, clock_ns=clock)
    while store.roll_up():
        pass
    while clock.now_ns < until_ns:
        evaluator.evaluate_due()
        driver.look()
        clock.now_ns += step_s * 10**9
        ledger.settings.put(REACHED, clock.now_ns)
    store.close()
    ledger.close()


if __name__ == "__main__":
    live(Path(sys.argv[1]), Path(sys.argv[2]), *(int(word) for word in sys.argv[3:6]))
