from __future__ import annotations

import pytest

from replay.checking import check_stored
from replay.proof import Verdict
from store.ledger import Ledger
from tests.replay.house import CAPTURES, items_of, stored
from tests.runs.scoring import ORIGIN, load
from tracetape.sealer import WATERMARK, Sealer

MINUTE = 60_000_000_000


class Clock:
    def __init__(self):
        self.now = ORIGIN.received_ns

    def __call__(self):
        return self.now


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


def test_runs_are_sealed_once_they_are_quiet_and_only_once(ledger):
    store, runs = stored(items_of(load(CAPTURES / "web-two-services__double")))
    clock = Clock()
    sealer = Sealer(store, ledger, clock_ns=clock)
    assert sealer.seal_quiet() == 0
    clock.now += 2 * MINUTE
    assert sealer.seal_quiet() == len(runs)
    assert sealer.seal_quiet() == 0
    for run in runs:
        assert check_stored(store, ledger, run.project, run.run_id).verdict is Verdict.INTACT


def test_after_a_restart_only_what_is_new_is_looked_at(ledger):
    store, runs = stored(items_of(load(CAPTURES / "web-two-services__double")))
    clock = Clock()
    clock.now += 10 * MINUTE
    assert Sealer(store, ledger, clock_ns=clock).seal_quiet() == len(runs)
    assert int(str(ledger.settings.get(WATERMARK, 0))) == clock.now - 3 * MINUTE
    assert Sealer(store, ledger, clock_ns=clock).seal_quiet() == 0


def test_stopping_works_before_starting_and_twice(ledger):
    store, _ = stored([])
    sealer = Sealer(store, ledger)
    sealer.stop()
    sealer.stop()
