from __future__ import annotations

import itertools
import threading
import time

import pytest
from msgspec import structs

from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.errors import BusyError
from spans.kinds import Replayability
from store.memory import MemoryStore
from store.rows import evidence_tables
from tests.builders import a_clean_span, a_span, a_span_id, a_trace_id
from tests.tracetape.running import wait_for
from tracetape import assembler as assembler_module
from tracetape.assembler import Assembler

BOOK = PriceBook()
GOOD, BAD = a_trace_id(1), a_trace_id(2)


class Flaky(MemoryStore):
    """A memory store that refuses to write one trace a number of times."""

    def __init__(self, error: Exception, times: int) -> None:
        super().__init__()
        self.error, self.left = error, times

    def write_derived(self, assemblies) -> None:
        if self.left and any(a.run.run_id == BAD for a in assemblies):
            self.left -= 1
            raise self.error
        super().write_derived(assemblies)


def add(store: MemoryStore, trace, number: int = 1) -> None:
    clean = a_clean_span(a_span(trace_id=trace, span_id=a_span_id(number), parent_span_id=None))
    store.write_evidence(evidence_tables([clean], [facts_of(clean)]))


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch):
    """Starts an assembler over a store; stops it afterwards."""
    made: list[Assembler] = []
    monkeypatch.setattr(assembler_module, "AGAIN_S", 0.05)

    def begin(store: MemoryStore) -> Assembler:
        assembler = Assembler(store, lambda: BOOK)
        assembler.start()
        made.append(assembler)
        return assembler

    yield begin
    for assembler in made:
        assembler.stop(5)


def test_a_dirty_trace_becomes_a_judged_run_and_leaves_the_backlog(start):
    store = MemoryStore()
    add(store, GOOD)
    assembler = start(store)
    assembler.mark("default", {GOOD: (1, 0)})
    assert assembler.backlog().spans == 1
    run = wait_for(lambda: store.read_run("default", GOOD), 5, "the run")
    wait_for(lambda: assembler.backlog().traces == 0, 5, "an empty backlog")
    assert run.replayability in Replayability


@pytest.mark.parametrize("error", [ValueError("a bug"), BusyError("the disk is full")])
def test_a_trace_that_cannot_be_assembled_stays_pending_and_does_not_stall_the_others(start, error):
    store = Flaky(error, times=1_000_000)
    for trace in (GOOD, BAD):
        add(store, trace)
    assembler = start(store)
    assembler.mark("default", {BAD: (1, 0)})
    assembler.mark("default", {GOOD: (1, 0)})
    if isinstance(error, ValueError):
        wait_for(lambda: store.read_run("default", GOOD), 5, "the other trace")
        wait_for(lambda: assembler.backlog().traces == 1, 5, "only the bad one left")
    assert assembler.backlog().spans >= 1
    assert store.read_run("default", BAD) is None


def test_it_is_tried_again_after_its_pause(start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assembler_module, "FAILED_PAUSE_S", 0.1)
    store = Flaky(ValueError("a bug"), times=4)
    add(store, BAD)
    assembler = start(store)
    assembler.mark("default", {BAD: (1, 0)})
    wait_for(lambda: store.read_run("default", BAD), 5, "the run after its failures")
    wait_for(lambda: assembler.backlog().traces == 0, 5, "an empty backlog")


def test_more_evidence_makes_it_try_at_once(start):
    store = Flaky(ValueError("a bug"), times=2)
    add(store, BAD)
    assembler = start(store)
    assembler.mark("default", {BAD: (1, 0)})
    wait_for(lambda: store.left == 0, 5, "both failures")
    add(store, BAD, 2)
    assembler.mark("default", {BAD: (1, 0)})
    wait_for(lambda: store.read_run("default", BAD), 5, "the run, without waiting a minute")


def test_stopping_ends_although_a_trace_keeps_failing(start):
    store = Flaky(ValueError("a bug"), times=1_000_000)
    add(store, BAD)
    assembler = start(store)
    assembler.mark("default", {BAD: (1, 0)})
    assembler.stop(5)
    assert not assembler._thread.is_alive()


def test_the_same_evidence_twice_is_written_once(start):
    store = MemoryStore()
    add(store, GOOD)
    assembler = start(store)
    assembler.mark("default", {GOOD: (1, 0)})
    version = wait_for(lambda: store.read_run("default", GOOD), 5, "the run").version
    assembler.mark("default", {GOOD: (0, 0)})
    wait_for(lambda: assembler.backlog().traces == 0, 5, "an empty backlog")
    assert store.read_run("default", GOOD).version == version


def test_one_trace_that_cannot_be_assembled_does_not_keep_others_from_it():
    store = Flaky(ValueError("a bug"), times=1_000_000)
    for trace in (GOOD, BAD):
        add(store, trace)
    Assembler(store, lambda: BOOK).assemble_now("default", [BAD, GOOD])
    assert store.read_run("default", GOOD)
    assert store.read_run("default", BAD) is None


def test_a_busy_store_is_told_to_who_asked_for_assembling():
    store = Flaky(BusyError("the disk is full"), times=1)
    add(store, BAD)
    with pytest.raises(BusyError):
        Assembler(store, lambda: BOOK).assemble_now("default", [BAD])


def test_a_run_judged_before_a_change_is_not_written_after_the_one_judged_later(start):
    """A label is saved while the run is being written: what was judged without it must not stay."""
    store, said = MemoryStore(), ["before"]
    judged, go_on = threading.Event(), threading.Event()
    add(store, GOOD)

    def judge(fresh):
        now = said[-1]
        if now == "before":
            judged.set()
            go_on.wait(5)
        return [structs.replace(a, run=structs.replace(a.run, tags=(now,))) for a in fresh]

    assembler = Assembler(store, lambda: BOOK, judge)
    first = threading.Thread(target=assembler.assemble_now, args=("default", [GOOD]))
    first.start()
    assert judged.wait(5)
    said.append("after")
    second = threading.Thread(target=assembler.assemble_now, args=("default", [GOOD]))
    second.start()
    second.join(0.3)
    go_on.set()
    first.join(5)
    second.join(5)
    assert store.read_run("default", GOOD).tags == ("after",)


def test_what_reading_and_writing_take_is_part_of_the_work_that_a_growing_trace_waits_for(start):
    class Slow(MemoryStore):
        writes = 0

        def write_derived(self, assemblies) -> None:
            time.sleep(0.2)
            self.writes += 1
            super().write_derived(assemblies)

    store = Slow()
    assembler = start(store)
    until = time.monotonic() + 1.5
    for number in itertools.count(1):
        add(store, GOOD, number)
        assembler.mark("default", {GOOD: (1, 0)})
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    assert store.writes == 1
