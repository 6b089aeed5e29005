from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

from runs.facts import facts_of
from store.memory import MemoryStore
from store.retention import RetentionRules
from store.rows import evidence_tables
from tests.builders import a_clean_span, a_span, a_trace_id, an_origin
from tracetape import housekeeping
from tracetape.housekeeping import Housekeeper, until_next_round

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
    keeper = Housekeeper(store, receipts, lambda: RetentionRules(30, 365), now=lambda: TODAY)
    assert keeper.tidy() == 2
    assert sorted(receipts.written) == [
        ("content", TODAY.date() - timedelta(days=40)),
        ("metadata", TODAY.date() - timedelta(days=400)),
    ]
    assert store.read_evidence("default", a_trace_id(1)).spans[0].span.attributes
    assert not store.read_evidence("default", a_trace_id(3)).spans
    assert keeper.tidy() == 0


def test_it_stops_before_it_was_started_and_twice():
    keeper = Housekeeper(MemoryStore(), Receipts(), lambda: RetentionRules(1, 1))
    keeper.stop()
    keeper.stop()


def test_a_day_on_which_nothing_changed_is_not_looked_at_every_hour(monkeypatch):
    store, asked = stored(40), []
    drop = store.drop_content
    monkeypatch.setattr(store, "drop_content", lambda day, survivors: asked.append(day) or drop(day, survivors))
    rules = [RetentionRules(30, 365)]
    keeper = Housekeeper(store, Receipts(), lambda: rules[0], now=lambda: TODAY)
    for _ in range(3):
        keeper.tidy()
    assert len(asked) == 1
    rules[0] = RetentionRules(20, 365, pinned=frozenset({("p", "r")}))
    keeper.tidy()
    assert len(asked) == 2, "new pins must be seen"


def test_without_room_to_copy_only_days_of_which_nothing_stays_go(tmp_path, monkeypatch):
    receipts, store = Receipts(), stored(40, 50)
    rules = [RetentionRules(30, 365, pinned=frozenset({("default", str(a_trace_id(1)))}))]
    keeper = Housekeeper(store, receipts, lambda: rules[0], folder=tmp_path, now=lambda: TODAY)
    monkeypatch.setattr(housekeeping.shutil, "disk_usage", lambda _: SimpleNamespace(total=1_000, free=10))
    assert keeper.tidy() == 0
    assert keeper.disk().alarming
    assert keeper.disk().held_back == tuple(TODAY.date() - timedelta(days=age) for age in (50, 40))
    rules[0] = RetentionRules(30, 365)
    assert keeper.tidy() == 2
    assert keeper.disk().held_back == ()


def test_a_full_disk_is_an_alarm(tmp_path, monkeypatch):
    keeper = Housekeeper(MemoryStore(), Receipts(), lambda: RetentionRules(1, 1), folder=tmp_path)
    monkeypatch.setattr(housekeeping.shutil, "disk_usage", lambda _: SimpleNamespace(total=100, free=21))
    assert not keeper.disk().alarming
    monkeypatch.setattr(housekeeping.shutil, "disk_usage", lambda _: SimpleNamespace(total=100, free=20))
    assert keeper.disk().alarming


def test_at_any_time_nothing_is_older_than_its_period_and_a_day_nor_goes_before_it():
    """S21: a simulated month, with rows at both ends of every received day; looked at just before and after each round."""
    clock = [datetime(2026, 11, 1, 6, 23, tzinfo=UTC)]
    store, period = MemoryStore(), {"content": timedelta(days=3), "metadata": timedelta(days=7)}
    keeper = Housekeeper(store, Receipts(), lambda: RetentionRules(3, 7), now=lambda: clock[0])
    ends: dict[str, tuple[datetime, datetime]] = {}

    def receive(day: date) -> None:
        for number, moment in enumerate(("00:00:00", "23:59:59")):
            trace = a_trace_id(day.toordinal() * 2 + number)
            at = datetime.fromisoformat(f"{day}T{moment}+00:00")
            span = a_span(trace_id=trace, attributes={"gen_ai.input.messages": "x" * 500})
            origin = an_origin(received_day=day, received_ns=int(at.timestamp() * 1e9))
            clean = a_clean_span(span, origin=origin)
            store.write_evidence(evidence_tables([clean], [facts_of(clean)]))
            ends[trace] = (at, at)

    def ages(kind: str) -> list[timedelta]:
        kept = {"content": "span_contents", "metadata": "spans"}[kind]
        return [clock[0] - ends[row["trace_id"]][0] for row in store._evidence[kept].values()]

    rounds = 0
    today = clock[0].date()
    receive(today)
    while clock[0] < datetime(2026, 12, 1, tzinfo=UTC):
        for kind, longest in period.items():
            assert max(ages(kind)) <= longest + timedelta(hours=24, seconds=1), (kind, clock[0])
        keeper.tidy()
        for kind, longest in period.items():
            young = [at for at, _ in ends.values() if clock[0] - at <= longest]
            assert sum(age <= longest for age in ages(kind)) == len(young), (kind, clock[0])
        if clock[0].date() != today:
            today = clock[0].date()
            receive(today)
        clock[0] += timedelta(seconds=until_next_round(clock[0]))
        rounds += 1
    assert rounds > 24 * 29


def test_a_round_comes_every_hour_and_right_after_midnight():
    assert until_next_round(datetime(2026, 11, 1, 6, 23, tzinfo=UTC)) == 3600
    assert until_next_round(datetime(2026, 11, 1, 23, 30, tzinfo=UTC)) == 1801
    assert until_next_round(datetime(2026, 11, 2, 0, 0, 1, tzinfo=UTC)) == 3600
