from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from runs.facts import facts_of
from store.memory import MemoryStore
from store.rows import evidence_tables
from tests.builders import a_clean_span, a_span, a_trace_id, an_origin
from tracetape.housekeeping import Housekeeper

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Receipts:
    def __init__(self) -> None:
        self.written: list[tuple[str, date]] = []

    def write(self, kind, day, removed) -> None:
        self.written.append((kind, day))


def stored(*ages: int) -> MemoryStore:
    """A store with one span received so many days ago, each in a trace of its own."""
    store = MemoryStore()
    for number, age in enumerate(ages, 1):
        span = a_span(trace_id=a_trace_id(number), attributes={"gen_ai.input.messages": "x" * 500})
        clean = a_clean_span(span, origin=an_origin(received_day=TODAY.date() - timedelta(days=age)))
        store.write_evidence(evidence_tables([clean], [facts_of(clean)]))
    return store


def test_content_goes_before_metadata_and_every_removal_has_its_receipt():
    receipts = Receipts()
    store = stored(1, 40, 400)
    keeper = Housekeeper(store, receipts, content_days=30, metadata_days=365, now=lambda: TODAY)
    assert keeper.tidy() == 2
    assert sorted(receipts.written) == [
        ("content", TODAY.date() - timedelta(days=40)),
        ("metadata", TODAY.date() - timedelta(days=400)),
    ]
    assert store.read_evidence("default", a_trace_id(1)).spans[0].span.attributes
    assert not store.read_evidence("default", a_trace_id(3)).spans
    assert keeper.tidy() == 0


def test_it_stops_before_it_was_started_and_twice():
    keeper = Housekeeper(MemoryStore(), Receipts(), content_days=1, metadata_days=1)
    keeper.stop()
    keeper.stop()
