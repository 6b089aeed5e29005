from __future__ import annotations

import pytest

from spans.errors import BusyError
from store import open_store
from store.hours import HourField, HourQuery
from tests.builders import a_trace_id, an_assembly


@pytest.fixture
def address(tmp_path):
    return f"chdb://{tmp_path / 'store'}"


def opened(address):
    store = open_store(address)
    store.migrate()
    return store


def runs(store):
    return [row.runs for row in store.hours(HourQuery("default"), (HourField.HOUR,))]


def test_dirty_hours_are_still_dirty_after_a_restart(address):
    store = opened(address)
    store.write_derived([an_assembly()])
    store.close()
    again = opened(address)
    assert runs(again) == []
    assert again.dirty_hours() == 1
    again.roll_up()
    assert runs(again) == [1]
    again.close()
    third = opened(address)
    assert third.dirty_hours() == 0
    third.close()


def test_a_summing_that_fails_is_done_again(address, monkeypatch):
    store = opened(address)
    store.write_derived([an_assembly()])
    insert, failures = store._engine.insert, ["hourly_runs", "hourly_calls", "hour_marks"]

    def failing(table, rows):
        if table in failures:
            failures.remove(table)
            raise BusyError("no")
        insert(table, rows)

    monkeypatch.setattr(store._engine, "insert", failing)
    for _ in range(3):
        with pytest.raises(BusyError):
            store.roll_up()
    assert store.roll_up() == 1
    assert runs(store) == [1]
    store.close()


def test_an_hour_whose_runs_are_being_written_waits(address, monkeypatch):
    store = opened(address)
    insert, seen = store._engine.insert, []

    def between(table, rows):
        if table == "runs":
            seen.append(store.roll_up())
        insert(table, rows)

    monkeypatch.setattr(store._engine, "insert", between)
    store.write_derived([an_assembly()])
    store.write_derived([an_assembly(run_id=a_trace_id(5))])
    assert seen == [0, 0], "summed without the run that was just being written"
    assert store.roll_up() == 1
    assert runs(store) == [2]
    store.close()


def test_writing_that_fails_leaves_the_hour_free_to_be_summed(address, monkeypatch):
    store = opened(address)
    insert, broken = store._engine.insert, ["runs", "hour_marks"]

    def failing(table, rows):
        if table in broken:
            raise BusyError("no")
        insert(table, rows)

    monkeypatch.setattr(store._engine, "insert", failing)
    for _ in range(2):
        with pytest.raises(BusyError):
            store.write_derived([an_assembly()])
        broken.pop()
    store.write_derived([an_assembly()])
    assert store.roll_up() == 1
    assert runs(store) == [1]
    store.close()
