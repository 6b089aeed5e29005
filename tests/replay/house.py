"""Stored runs for tests of the replay room: evidence through the memory store, in any order and any number of times."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import structs

from replay.replayability import replayability
from runs.assemble import assemble
from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.clean import Clean
from spans.facts import SpanFacts
from spans.run import Assembly, Run
from store.memory import MemoryStore
from store.rows import evidence_tables
from tests.runs.scoring import Capture

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
BOOK = PriceBook()


def write(store: MemoryStore, items: Sequence[Clean]) -> None:
    """Evidence and facts of some items, as a worker would write them."""
    store.write_evidence(evidence_tables(items, facts_for(items)))


def facts_for(items: Iterable[Clean]) -> list[SpanFacts]:
    """The facts of items."""
    return [facts_of(item) for item in items]


def assemble_stored(store: MemoryStore, version: int = 1) -> tuple[Run, ...]:
    """Assemble everything that is stored; the runs, by id."""
    found = []
    traces = sorted({trace for _, trace in store.recent_traces(None, 0)})
    facts = defaultdict(list)
    for one in store.read_facts("default", traces):
        facts[one.trace_id].append(one)
    every = [one for listed in facts.values() for one in listed]
    for trace in traces:
        assembly = assemble(facts[trace], book=BOOK, neighbours=[f for f in every if f.trace_id != trace])
        badge, reasons = replayability(assembly.run, assembly.steps)
        run = structs.replace(assembly.run, replayability=badge, replay_reasons=reasons)
        store.write_derived([Assembly(run, assembly.steps)])
        found.append(run)
    return tuple(found)


def stored(items: Iterable[Clean], *, seed: int | None = None) -> tuple[MemoryStore, tuple[Run, ...]]:
    """A store that holds these items. With a seed: shuffled, some of them repeated, in several late batches."""
    store = MemoryStore()
    listed = list(items)
    if seed is None:
        write(store, listed)
        return store, assemble_stored(store)
    chance = random.Random(seed)
    listed += chance.sample(listed, len(listed) // 3)
    chance.shuffle(listed)
    cut = sorted(chance.randrange(len(listed) + 1) for _ in range(2))
    for part in (listed[: cut[0]], listed[cut[0] : cut[1]], listed[cut[1] :]):
        write(store, part)
        if chance.random() < 0.3:
            assemble_stored(store)
    return store, assemble_stored(store)


def items_of(capture: Capture, traces: int | None = None) -> tuple[Clean, ...]:
    """Everything one capture sent, or what belongs to its first few traces."""
    ids = list(dict.fromkeys(item.span.trace_id for item in capture.spans))[:traces]
    return (
        *(item for item in capture.spans if item.span.trace_id in ids),
        *(item for item in capture.logs if traces is None or item.log.trace_id in ids),
    )
