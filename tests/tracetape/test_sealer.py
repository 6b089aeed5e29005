from __future__ import annotations

import pytest

from replay.checking import check_stored
from replay.proof import Verdict
from spans.errors import BusyError
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


def test_what_was_sealed_is_not_read_again_until_more_of_it_arrives(ledger):
    store, runs = stored(items_of(load(CAPTURES / "web-two-services__double")))
    clock = Clock()
    sealer = Sealer(store, ledger, clock_ns=clock)
    clock.now += 2 * MINUTE
    assert sealer.seal_quiet() == len(runs)
    reads = []
    store.read_assemblies = lambda project, run_ids: reads.append(run_ids) or ()
    assert sealer.seal_quiet() == 0
    assert reads == []


def test_a_trace_that_is_not_assembled_yet_is_waited_for_an_hour_and_no_longer(ledger):
    store, runs = stored(items_of(load(CAPTURES / "web-two-services__double")))
    read, known = store.read_assemblies, store.read_run
    store.read_assemblies, store.read_run = (lambda project, run_ids: ()), (lambda project, trace: None)
    clock = Clock()
    sealer = Sealer(store, ledger, clock_ns=clock)
    clock.now += 30 * MINUTE
    assert sealer.seal_quiet() == 0
    assert int(str(ledger.settings.get(WATERMARK, 0))) < ORIGIN.received_ns
    store.read_assemblies, store.read_run = read, known
    assert sealer.seal_quiet() == len(runs)
    clock.now += 60 * MINUTE
    store.read_assemblies, store.read_run = (lambda project, run_ids: ()), (lambda project, trace: None)
    assert sealer.seal_quiet() == 0
    assert int(str(ledger.settings.get(WATERMARK, 0))) > ORIGIN.received_ns


def test_what_is_too_much_to_read_at_once_is_sealed_run_by_run(ledger):
    store, runs = stored(items_of(load(CAPTURES / "web-two-services__double")))
    assert len(runs) > 1
    whole = store.read_traces

    def small(project, traces):
        if len(traces) > 2:
            raise BusyError("too much")
        return whole(project, traces)

    store.read_traces = small
    clock = Clock()
    clock.now += 2 * MINUTE
    assert Sealer(store, ledger, clock_ns=clock).seal_quiet() == len(runs)


def test_stopping_works_before_starting_and_twice(ledger):
    store, _ = stored([])
    sealer = Sealer(store, ledger)
    sealer.stop()
    sealer.stop()
